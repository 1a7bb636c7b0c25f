"""Pretrained networks, one file each."""
