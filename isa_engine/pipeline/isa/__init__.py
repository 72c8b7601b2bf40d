"""The house's own kind: its networks, what they are told of a shot, and how latents become frames."""
