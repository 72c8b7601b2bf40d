"""A scene's takes for a render farm, whose workers need no Blender (``isa_engine.farm``)."""
