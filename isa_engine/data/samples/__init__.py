"""What the transformer learns from: clips as latents with their conditions."""
