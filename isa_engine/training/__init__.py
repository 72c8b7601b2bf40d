"""Training of the VideoVAE (paper, 4.2) and of the ISA-DiT (5.3)."""
