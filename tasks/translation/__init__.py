"""Translation: an encoder, attention, and a decoder."""
