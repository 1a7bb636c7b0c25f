"""``python -m hangtag``."""

from hangtag.cli import main

main()
