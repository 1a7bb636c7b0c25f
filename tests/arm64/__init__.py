"""An emulated 64-bit ARM system with Hangtag installed in it, and what runs there.

``PYTHONPATH=tests python -m arm64 FOLDER`` makes it, ``FOLDER/env/bin/hangtag`` is then the command line as a
Raspberry Pi has it: Debian's arm64 Python, wheels for ARM, our own wheel. Needs Debian (or its kin) with the
package ``qemu-user-static``, and no root; a second call takes what is there and installs our wheel anew.
"""
