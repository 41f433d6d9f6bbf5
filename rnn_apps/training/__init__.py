"""Training: one loop for one device and for many."""
