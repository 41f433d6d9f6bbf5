"""Pieces of music on a grid, and the files and notations that they are read from."""
