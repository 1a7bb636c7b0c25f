"""Hangtag's runtime: a clothing classifier, or any adopted one, from a camera to labels, without TensorFlow."""

__version__ = "0.1.0"
