"""Buttons of the next take: its settings, its checks and what mends them, Generate."""
