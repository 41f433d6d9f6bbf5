"""The pages of a server: how to use it, and the demo."""
