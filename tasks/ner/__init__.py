"""Named entities: a tag for every token, and a probability for every entity."""
