"""What is particular to a Raspberry Pi: board, system, start-up settings, firmware, picamera2."""
