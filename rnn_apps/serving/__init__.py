"""Saved models over HTTP."""
