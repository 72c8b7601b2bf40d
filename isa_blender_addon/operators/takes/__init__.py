"""Buttons of takes and plates, and of the cache."""
