"""Wan-VACE: a folder of its makers' weights, what it is told of a shot, and its painter."""
