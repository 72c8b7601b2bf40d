"""Weights that others published, added to this machine by a person: fetched, and looked through."""
