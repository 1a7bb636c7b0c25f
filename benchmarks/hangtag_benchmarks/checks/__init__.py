"""Proofs that the benchmark itself can be believed; each is a command that prints what is published."""
