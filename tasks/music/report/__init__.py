"""How like real music the composed is, and how much of it is copied."""
