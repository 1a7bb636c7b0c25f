"""Hangtag's training: photos in, a run folder with a Keras model and its contract out."""
