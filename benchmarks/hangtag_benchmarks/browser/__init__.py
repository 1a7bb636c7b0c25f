"""A browser as an engine: the phone page's own classifier in a fresh headless Chromium for each block."""
