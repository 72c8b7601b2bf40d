"""Weights folders, made of finished runs or of SD3's files."""
