"""What the camera runtime must reach, measured: each module is a command, ``python -m`` its name."""
