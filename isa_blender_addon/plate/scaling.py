"""Pictures of the compositor, stretched over the render exactly, as the canvas covers the frame.

Before Blender 4.4 the compositor on the processor scales a picture about the centre of its first pixel, not
about its corner: what it makes lies half a pixel of the picture, less half a pixel of the render, too far to
the left and down. There it is moved back, and what the move bares shows what lay there before.
"""

from typing import Any

import bpy

_IS_GROUP = bpy.app.version >= (5, 0)
_BY_CENTRES = bpy.app.version < (4, 4)
# Of the render: its size, and whether the graphics card composites, which scales about corners everywhere.
_OF_RENDER = {"pc": "resolution_percentage", "card": "compositor_device"}
_SIDES = (("X", "resolution_x"), ("Y", "resolution_y"))


def stretch(group, source, name: str, place: tuple[int, int], scene):
    """Nodes that stretch a picture over the scene's render.

    Args:
        source: a socket of the picture.
        name: of what the picture is for, within the group.
        place: of the first node, in the group's editor.

    Returns:
        The socket of the stretched picture; beyond the picture's outermost pixels it fades to nothing.
    """
    x, y = place
    scale = _node(group, "CompositorNodeScale", f"Fill {name}", x, y)
    if _IS_GROUP:
        scale.inputs["Type"].default_value = "Render Size"
        scale.inputs["Frame Type"].default_value = "Stretch"
    else:
        scale.space, scale.frame_method = "RENDER_SIZE", "STRETCH"
    group.links.new(source, scale.inputs["Image"])
    if not _BY_CENTRES:
        return scale.outputs["Image"]
    move = _node(group, "CompositorNodeTranslate", _moved(name), x, y - 200)
    move.use_relative, move.interpolation = True, "Bilinear"
    over = _node(group, "CompositorNodeAlphaOver", f"Whole {name}", x + 100, y - 200)
    below, above = [socket for socket in over.inputs if socket.type == "RGBA"]
    for output, target in ((scale, move.inputs["Image"]), (scale, below), (move, above)):
        group.links.new(output.outputs["Image"], target)
    for side, resolution in _SIDES:
        driver = move.inputs[side].driver_add("default_value").driver
        driver.type = "SCRIPTED"
        for variable, path in {"r": resolution, **_OF_RENDER}.items():
            added = driver.variables.new()
            added.name = variable
            target = added.targets[0]
            target.id_type, target.id, target.data_path = "SCENE", scene, f"render.{path}"
    return over.outputs["Image"]


def fit_picture(group, name: str, size: tuple[int, int]) -> None:
    """Tell the nodes that stretch a picture how large it is.

    Args:
        size: width and height, pixels.
    """
    move = group.nodes.get(_moved(name))
    if move is None:
        return
    for (side, _), pixels in zip(_SIDES, size, strict=True):
        path = move.inputs[side].path_from_id("default_value")
        driver = group.animation_data.drivers.find(path).driver
        # In parts of the render: Blender renders whole pixels.
        driver.expression = f"0 if card else 0.5/{pixels} - 0.5/floor(r*pc/100)"


def _moved(name: str) -> str:
    return f"Move {name}"


def _node(group, kind: str, label: str, x: int, y: int) -> Any:
    new = group.nodes.new(kind)
    new.name = new.label = label
    new.location = x, y
    return new
