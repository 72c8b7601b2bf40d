"""What a step learns from: clips, of a ring or made anew, augmented and as tensors of the device."""
