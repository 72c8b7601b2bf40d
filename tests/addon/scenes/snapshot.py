"""A scene as data, to be compared before and after."""

import bpy


def snapshot() -> dict:
    """Every data-block's plain properties, the poses, the selection and who is active."""
    layer = bpy.context.view_layer
    layer.update()
    return {
        "blocks": {repr(block): _plain(block) for block in _blocks()},
        "poses": {
            (item.name, bone.name): _plain(bone)
            for item in bpy.data.objects
            if item.pose
            for bone in item.pose.bones
        },
        "modifiers": {(item.name, m.name): _plain(m) for item in bpy.data.objects for m in item.modifiers},
        "keys": {(keys.name, k.name): _plain(k) for keys in bpy.data.shape_keys for k in keys.key_blocks},
        "render": [{**_plain(s.render), **_plain(s.render.image_settings)} for s in bpy.data.scenes],
        "cycles": [_plain(s.cycles) for s in bpy.data.scenes],
        "isa": [_plain(s.isa) for s in bpy.data.scenes if hasattr(s, "isa")],
        "cameras": [s.camera for s in bpy.data.scenes],
        "selected": [item.name for item in bpy.context.selected_objects],
        "active": layer.objects.active and layer.objects.active.name,
        "mode": bpy.context.mode,
    }


def _blocks():
    for kind in (
        "actions",
        "armatures",
        "cameras",
        "collections",
        "materials",
        "meshes",
        "objects",
        "scenes",
    ):
        yield from getattr(bpy.data, kind)
    yield from bpy.data.shape_keys
    # The render result is Blender's own buffer.
    yield from (image for image in bpy.data.images if image.type != "RENDER_RESULT")


def _plain(block) -> dict:
    values = {}
    for prop in block.bl_rna.properties:
        if prop.type in ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM"):
            value = getattr(block, prop.identifier)
            # Matrices hold rows; what follows from others, such as a final matrix, is held as well.
            values[prop.identifier] = repr(value[:]) if getattr(prop, "is_array", False) else value
    return values
