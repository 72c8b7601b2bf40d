"""Objects from library files: Blender saves nothing on them that the library does not have."""


def from_library(item) -> bool:
    """Whether an object is linked from another file, overridden or not."""
    return bool(item.library or item.override_library)
