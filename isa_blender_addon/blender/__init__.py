"""What Blender does by itself, and what its windows are to do."""
