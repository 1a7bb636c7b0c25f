"""What ``hangtag doctor`` found out, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ``ok``, ``note`` (works, with a limit) or ``wrong``, and the fix.

    The fix is a command wherever one mends it, else what to do; a command comes first.
    """

    state: str
    what: str
    fix: str = ""
