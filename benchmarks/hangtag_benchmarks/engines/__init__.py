"""What a benchmark can run a model on: one file per engine."""
