"""What Blender does by itself, what its windows are to do, and how its commands end."""
