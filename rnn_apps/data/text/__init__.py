"""What texts are made of: cleaned, cut into tokens or subwords, tagged; word vectors."""
