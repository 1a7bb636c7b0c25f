"""Two results beside each other: ``hangtag compare``."""
