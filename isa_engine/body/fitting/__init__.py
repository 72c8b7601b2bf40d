"""The pose of a body from what is seen of it in a picture."""
