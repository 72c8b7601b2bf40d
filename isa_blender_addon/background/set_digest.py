"""A digest of all that a rendered background shows of a file: a set that has been changed is rendered again.

All that Blender tells of the set's objects and of what these use is walked through: settings, materials,
lamps, meshes, curves of animation, the world, the picture files. What is animated is told by its curves and
not by its value, which is that of the frame at which the scene happens to stand.
"""

import hashlib
import os
from collections.abc import Collection, Iterator

import bpy
import numpy as np

from ..scene.animation import moving

# Of every data-block, whose it is and how Blender keeps it; how it is edited and drawn; what Blender works
# out itself; of a render, what the job tells, such as the canvas, and where files go.
_SKIPPED = {
    *("rna_type", "id_data", "bl_rna", "original", "session_uid", "users", "tag", "use_fake_user"),
    *("asset_data", "library", "library_weak_reference", "override_library", "users_scene"),
    *("users_collection", "is_valid", "preview", "mode", "select", "hide_select", "hide_viewport"),
    *("hide_probe_volume", "wireframe_color_type", "matrix", "matrix_basis", "matrix_channel"),
    *("matrix_local", "matrix_world", "dimensions", "children", "children_recursive", "pixels"),
    *("filepath_raw", "particles", "child_particles", "point_cache", "denoiser", "resolution_x"),
    *("resolution_y", "resolution_percentage", "pixel_aspect_x", "pixel_aspect_y", "fps", "fps_base"),
    *("frame_path", "image_settings", "ffmpeg", "bake", "views"),
}
_SKIPPED_BEGINNINGS = "active", "show_", "select_", "is_library", "is_runtime", "is_evaluated", "stamp_"
# Told by its numbers at once: one by one they would take seconds.
_NUMBERS = {"vertices": "co", "keyframe_points": "co", "sampled_points": "co", "points": "co", "data": "co"}
_SETTINGS = "render", "view_settings", "display_settings", "display", "cycles", "eevee", "world"


def set_digest(scene, gone: set) -> str:
    """SHA-256 of the set, in hexadecimal: another one after any change that a render of it could show.

    Args:
        gone: the objects that are no part of the set: cast, and plates.
    """
    walk = _Walk(gone)
    for name in _SETTINGS:
        if (settings := getattr(scene, name, None)) is not None:
            walk.value(settings)
    for layer in scene.view_layers:
        for place in _places(layer, gone):
            walk.tell(place.name, place.exclude, place.holdout, place.indirect_only)
    for item in scene.objects:
        if item not in gone:
            walk.value(item)
    return walk.finish()


def _places(layer, gone: set) -> Iterator:
    """The collections of a layer in which something of the set is."""
    stack = [layer.layer_collection] if layer.layer_collection else []
    while stack:
        place = stack.pop()
        stack += place.children
        if any(item not in gone for item in place.collection.all_objects):
            yield place


class _Walk:
    """Through data-blocks, each once; what they tell goes into a hash."""

    def __init__(self, gone: set):
        self._hash = hashlib.sha256()
        # By place in memory and kind; a number tells which one is meant again.
        self._seen: dict[tuple[int, str], int] = {}
        self._gone = {_key(item) for item in gone}
        self._waiting: list = []

    def tell(self, *values: object) -> None:
        self._hash.update(repr(values).encode())

    def finish(self) -> str:
        """Of all that was told, and of the data-blocks that were named on the way."""
        while self._waiting:
            block = self._waiting.pop(0)
            self.tell(type(block).__name__, block.name_full)
            self._struct(block, {curve.data_path for curve in _curves(block)})
        return self._hash.hexdigest()

    def value(self, value, moved: Collection[str] = ()) -> None:
        """A value of any kind.

        Args:
            moved: data paths that are animated, of the data-block that it is in.
        """
        if isinstance(value, bpy.types.ID):
            self.tell(value.name_full)
            # Scenes and windows are no part of a set, whatever names them.
            if isinstance(value, (bpy.types.Scene, bpy.types.Screen, bpy.types.WindowManager)):
                return
            if _key(value) not in self._gone and self._is_new(value):
                self._waiting.append(value)
        elif isinstance(value, bpy.types.bpy_struct):
            if self._is_new(value):
                self._struct(value, moved)
        elif isinstance(value, (set, frozenset)):
            self.tell(sorted(value))
        elif hasattr(value, "to_list"):
            self.tell(value.to_list())
        elif hasattr(value, "to_dict"):
            for key, each in value.items():
                self.tell(key)
                self.value(each, moved)
        elif isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
            self.tell(value)
        else:
            self.tell(*value)

    def _is_new(self, value) -> bool:
        key, count = _key(value), len(self._seen)
        self.tell(self._seen.setdefault(key, count))
        return len(self._seen) > count

    def _struct(self, struct, moved) -> None:
        if isinstance(struct, bpy.types.Mesh):
            self._mesh(struct)
            return
        if isinstance(struct, bpy.types.Camera):
            # The rest of it is in the shot.
            self.value(struct.dof, moved)
            return
        for found in struct.bl_rna.properties:
            name = found.identifier
            if name in _SKIPPED or name.startswith(_SKIPPED_BEGINNINGS):
                continue
            if found.type == "COLLECTION":
                self._collection(struct, name, moved)
            elif found.type == "POINTER" or not found.is_readonly:
                if name == "filepath" and not isinstance(struct, bpy.types.ID):
                    # Where renders go.
                    continue
                if name == "resolution" and isinstance(struct, bpy.types.Image):
                    # Of prints; a file of Blender 4.2 keeps it rounded.
                    continue
                if moved and _path(struct, name) in moved:
                    continue
                self.tell(name)
                self.value(_get(struct, name), moved)
                if name == "filepath":
                    self.tell(_changed(struct))
        self._own(struct, moved)

    def _own(self, struct, moved) -> None:
        """Custom properties, and the inputs of geometry nodes."""
        try:
            items = list(struct.items())
        except TypeError:
            # This kind has none.
            return
        for name, value in items:
            # Cycles leaves a group of its own wherever it saves, and shows it as a property where it matters.
            known = name.startswith(("isa", "cycles")) or name in struct.bl_rna.properties
            if not known and f'{_path(struct)}["{name}"]' not in moved:
                self.tell(name)
                self.value(value, moved)

    def _collection(self, struct, name: str, moved) -> None:
        items = _get(struct, name)
        if items is None:
            return
        self.tell(name, len(items))
        numbers = _NUMBERS.get(name)
        if numbers and len(items) and hasattr(items[0], numbers):
            self._numbers(items, numbers, len(getattr(items[0], numbers)))
            return
        for item in items:
            self.value(item, moved)

    def _mesh(self, mesh) -> None:
        self._numbers(mesh.vertices, "co", 3)
        self._numbers(mesh.loops, "vertex_index", 1, np.int32)
        self._numbers(mesh.polygons, "loop_start", 1, np.int32)
        self._numbers(mesh.polygons, "material_index", 1, np.int32)
        for layer in mesh.uv_layers:
            self.tell(layer.name)
            self._numbers(layer.data, "uv", 2)
        for used in (*mesh.materials, mesh.shape_keys, mesh.animation_data):
            self.value(used)

    def _numbers(self, items, name: str, size: int, kind=np.float32) -> None:
        numbers = np.empty(size * len(items), kind)
        items.foreach_get(name, numbers)
        self._hash.update(numbers.tobytes())


def _key(value) -> tuple[int, str]:
    return value.as_pointer(), type(value).__name__


def _curves(block) -> list:
    return moving(block) if getattr(block, "animation_data", None) else []


def _path(struct, *name: str) -> str:
    """From its data-block; empty where there is none."""
    try:
        return struct.path_from_id(*name)
    except (AttributeError, ValueError):
        return ""


def _get(struct, name: str):
    """None of what Blender does not tell, such as a setting that has no meaning for this kind."""
    try:
        return getattr(struct, name)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return None


def _changed(struct) -> int | None:
    """When the file behind a path was changed last; None where there is none."""
    path = bpy.path.abspath(struct.filepath, library=getattr(struct, "library", None))
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return None
