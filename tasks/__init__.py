"""The tasks that come with RNN Apps, one folder each."""
