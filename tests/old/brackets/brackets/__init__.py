"""A task for RNN Apps: brackets."""
