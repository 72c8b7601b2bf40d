"""Clips that no training saw, and what is known of them."""
