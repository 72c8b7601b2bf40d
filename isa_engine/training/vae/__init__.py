"""Training of the VideoVAE and its matte head (paper, 4.2)."""
