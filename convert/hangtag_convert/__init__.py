"""Hangtag's conversion: a run folder becomes self-describing .tflite files that are proven against it."""
