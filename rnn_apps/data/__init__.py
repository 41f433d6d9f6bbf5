"""From a user's files to batches of arrays, without TensorFlow."""
