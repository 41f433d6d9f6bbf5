"""Music: a likelihood for any polyphony, and music drawn from it."""
