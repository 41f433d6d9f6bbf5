"""Handwritten digits: an image in, one class out."""
