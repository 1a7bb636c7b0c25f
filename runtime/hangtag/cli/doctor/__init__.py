"""``hangtag doctor``: what this device can do, what is wrong, the exact fix.

Each module here looks at one thing and words what it found; what a Raspberry Pi says of itself is read by
:mod:`hangtag.raspberry_pi`.
"""

from hangtag.cli.doctor.command import doctor

__all__ = ["doctor"]
