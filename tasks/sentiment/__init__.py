"""Sentiment classification: a text in, one class out."""
