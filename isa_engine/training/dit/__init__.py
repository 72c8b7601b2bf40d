"""Training of the ISA-DiT and its image tower (paper, 5.3), and of the gate on their tokens."""
