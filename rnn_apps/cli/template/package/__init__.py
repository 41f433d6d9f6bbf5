"""A task for RNN Apps: $name."""
