"""Buttons that bring a character to where it stands in its picture."""
