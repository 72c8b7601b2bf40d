"""Shots, checkpoints and results on the disk, and where they lie for good; the log of a job beside them."""
