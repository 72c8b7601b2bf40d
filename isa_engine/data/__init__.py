"""Training data: synthetic humans rendered while training, and clips in one format."""
