"""Blender scene → Shot, and the rigs that scenes are staged with. The only part that reads a scene."""
