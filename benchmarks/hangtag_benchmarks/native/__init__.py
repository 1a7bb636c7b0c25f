"""TFLite's own ``benchmark_model``, on this machine and on a phone."""
