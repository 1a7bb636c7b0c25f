"""A result for people and programs: tables, page, plots, CSV, JSON."""
