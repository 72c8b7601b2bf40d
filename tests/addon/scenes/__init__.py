"""Scenes and bodies that tests stage, built by code."""
