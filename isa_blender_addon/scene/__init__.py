"""Blender scene → Shot. The only part that reads a scene."""
