"""Clips in memory that processes share, and the processes that render them into it."""
