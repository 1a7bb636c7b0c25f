"""Mutates models and follows what becomes of each: see ``tests/fuzz_models.py``."""
