"""``python -m hangtag``."""

from hangtag.cli import run

run()
