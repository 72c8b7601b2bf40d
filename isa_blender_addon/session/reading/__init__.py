"""A scene on its way to a shot, in steps between which Blender draws."""
