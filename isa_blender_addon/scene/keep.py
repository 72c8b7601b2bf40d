"""Going through frames without a trace: the frame, the camera and unkeyed changes are put back."""

from contextlib import contextmanager, suppress

import bpy

from .animation import curves_of


@contextmanager
def kept(scene):
    """Restore the scene's current frame, its camera, and values that animation overwrites on the way.

    A pose that the artist has changed but not keyed yet is lost by mere scrubbing; here it is not.
    """
    frame, subframe, camera = scene.frame_current, scene.frame_subframe, scene.camera
    values = [(owner, path, _value(owner, path)) for owner, path in _animated_properties()]
    try:
        yield
    finally:
        # The artist may have deleted one of these meanwhile, or opened another file.
        with suppress(ReferenceError):
            scene.frame_set(frame, subframe=subframe)
        with suppress(ReferenceError):
            scene.camera = camera
        for owner, path, value in values:
            if value is not None and _value(owner, path) not in (value, None):
                _write(owner, path, value)


def _animated_properties():
    """``(owner, path)`` of each property with a curve."""
    for owner in _animated_data():
        for path in dict.fromkeys(curve.data_path for curve in curves_of(owner.animation_data)):
            yield owner, path


def _animated_data():
    for collection in (
        bpy.data.objects,
        bpy.data.shape_keys,
        bpy.data.cameras,
        bpy.data.armatures,
        bpy.data.lights,
        bpy.data.materials,
        bpy.data.worlds,
        bpy.data.scenes,
    ):
        for owner in collection:
            if owner.animation_data is not None:
                yield owner


def _value(owner, path: str):
    """The property's value, a tuple if it has components; None if there is no such property any more."""
    try:
        value = owner.path_resolve(path)
    except (ValueError, ReferenceError):
        return None
    return value if isinstance(value, (bool, int, float, str)) else tuple(value)


def _write(owner, path: str, value) -> None:
    if path.endswith('"]'):
        holder, _, key = path[:-2].rpartition('["')
        target = owner.path_resolve(holder) if holder else owner
        target[key] = value
    else:
        holder, _, name = path.rpartition(".")
        setattr(owner.path_resolve(holder) if holder else owner, name, value)
