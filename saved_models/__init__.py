"""Trained bundles that ship with the project."""
