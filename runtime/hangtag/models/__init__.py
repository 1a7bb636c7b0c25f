"""The bundled clothing model and its card."""
