"""One row for minutes without a pause."""
