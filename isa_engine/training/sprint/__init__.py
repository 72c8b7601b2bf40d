"""Training in the few minutes that a large GPU is lent for (docs/training.md)."""
