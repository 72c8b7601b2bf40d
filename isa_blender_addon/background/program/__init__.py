"""A shot's background as a movie, made by a Blender of its own: the artist's Blender stays as it is.

That runs ``__main__``, without the add-on; so nothing here imports what lies outside of this room.
"""
