"""Hangtag's benchmarks: honest latency and memory of .tflite files on this machine."""
