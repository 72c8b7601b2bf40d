"""ISA for Blender: stage SMPL-X characters and a camera, get the generated video back as a plate."""


def register():
    """Nothing to register yet."""


def unregister():
    """Nothing to unregister yet."""
