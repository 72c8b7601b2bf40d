"""Bodies of the SMPL-X layout: their files, their posing, the open body and what it wears."""
