"""The machine: what it is, what it does meanwhile, what it uses."""
