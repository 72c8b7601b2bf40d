"""A data folder stays one engine's, whole and small while it runs, and is looked after when it does not."""
