"""Buttons of the engine and of its jobs."""
