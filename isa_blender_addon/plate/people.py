"""The generated people over the render: a group of the compositor that keys the plate by its matte.

Blender composites premultiplied colours, so people and render add up as light does:

    colour = matte · plate + (1 − matte) · render          alpha = matte + (1 − matte) · alpha of the render

A render of shadow catchers on a transparent film, black with the shadow as its alpha, stays a shadow: the
result can be laid over footage as any render can.
"""

from typing import Any

import bpy

from isa_engine.errors import SceneError

from .colour import drive_by_exposure, rendered_space, set_space
from .movie import NAME, PLATE_PROPERTY, discard, hand_over, load_movie, read_movie, show_from
from .parting import other_scenes, parted_group
from .scaling import fit_picture, stretch

GROUP = "ISA People"
# Blender 5 made what the compositor does a node group.
_IS_GROUP = bpy.app.version >= (5, 0)
# Marks a group for which the compositor was switched on, so that it is switched off with it.
_FIRST = "isa_first"
_PLATE, _MATTE = "Plate", "Matte"
# What each movie is to the node that keys.
_USES = {_PLATE: "Image", _MATTE: "Alpha"}
_MASK_SPACE = "Non-Color"
_OUTPUT = ("GROUP_OUTPUT", "NodeGroupOutput") if _IS_GROUP else ("COMPOSITE", "CompositorNodeComposite")
# Types of nodes that change no picture: with only these left, nobody uses the compositor.
_OF_NOBODY = {"R_LAYERS", "VIEWER", "REROUTE", _OUTPUT[0]}


def check_people(scene, matte) -> None:
    """Raise a ``SceneError`` where the scene cannot get the group."""
    if not matte.is_file():
        problem, remedy = "there is no matte beside the plate", "Choose the plane, or generate it again."
        raise SceneError(problem, where=str(matte), remedy=remedy)
    tree = _tree(scene)
    if tree is not None and not tree.is_editable:
        raise SceneError("the compositor's nodes are linked from another file", remedy="Make them local.")


def import_people(scene, video, matte, frame_numbers):
    """Put the people of the plate over what the scene's compositor gives.

    A group that is there only gets the other movies; its nodes stay as they are.

    Args:
        video, matte: paths; as in ``camera_plane.import_plane``.
        frame_numbers: ``(F,)`` scene frames.

    Returns:
        The node with the group.

    Raises:
        SceneError: a movie cannot be read, or the nodes are linked; nothing is changed then.
    """
    check_people(scene, matte)
    plate = load_movie(video)
    try:
        mask = load_movie(matte)
    except SceneError:
        bpy.data.images.remove(plate)
        raise
    # Before a node shows them: each change of a space would open the movie again.
    set_space(plate, rendered_space(scene))
    set_space(mask, _MASK_SPACE)
    _part(scene)
    node = _group_node(scene)
    if node is not None and all(_images(node.node_tree)):
        for image, found in zip(_images(node.node_tree), (plate, mask), strict=True):
            set_space(image, found.colorspace_settings.name)
            hand_over(found, image)
    else:
        remove_people(scene)
        group = _group(scene)
        group.nodes[_PLATE].image, group.nodes[_MATTE].image = plate, mask
        node = _insert(scene, group)
    for kind, use in _USES.items():
        inner = node.node_tree.nodes[kind]
        fit_picture(node.node_tree, use, read_movie(bpy.path.abspath(inner.image.filepath)).size)
        show_from(inner, inner.image, int(frame_numbers[0]))
    return node


def fit_people(scene) -> None:
    """Read the plate for the scene's view transform."""
    for image in plates(scene):
        set_space(image, rendered_space(scene))


def remove_people(scene) -> None:
    """Take the group out of the compositor; what went into it goes where it went."""
    _part(scene)
    node = _group_node(scene)
    if node is None:
        return
    tree, group, first = _tree(scene), node.node_tree, node.node_tree.get(_FIRST)
    images = _images(group)
    before = node.inputs["Image"].links[0].from_socket if node.inputs["Image"].is_linked else None
    for sink in [link.to_socket for link in node.outputs["Image"].links]:
        if before is not None:
            tree.links.new(before, sink)
    tree.nodes.remove(node)
    if not group.users:
        bpy.data.node_groups.remove(group)
    for image in images:
        discard(image)
    if first:
        _switch_off(scene, tree)


def plates(scene) -> set:
    """The image of the plate."""
    node = _group_node(scene)
    return {_images(node.node_tree)[0]} - {None} if node else set()


def media(scene) -> set:
    """The images of the plate and the matte."""
    node = _group_node(scene)
    return set(_images(node.node_tree)) - {None} if node else set()


def _tree(scene):
    """What the scene's compositor does, or None."""
    if _IS_GROUP:
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def _group_node(scene):
    tree = _tree(scene)
    groups = [node for node in tree.nodes if node.type == "GROUP" and node.node_tree] if tree else ()
    return next((node for node in groups if node.node_tree.get(PLATE_PROPERTY) == NAME), None)


def _part(scene) -> None:
    """Let the scene have the group for itself, where it came with a copy of a scene."""
    others = other_scenes(scene)
    if _group_node(scene) and _tree(scene) in [_tree(other) for other in others]:
        # Only Blender 5 lets scenes share them.
        scene.compositing_node_group = scene.compositing_node_group.copy()
    node = _group_node(scene)
    theirs = {found.node_tree for other in others if (found := _group_node(other))}
    if node is not None and node.node_tree in theirs:
        node.node_tree = parted_group(node.node_tree, scene)


def _images(group) -> tuple:
    """The plate's and the matte's image; None where the artist has taken one away."""
    nodes = (group.nodes.get(kind) for kind in (_PLATE, _MATTE))
    return tuple(getattr(node, "image", None) for node in nodes)


def _group(scene):
    group: Any = bpy.data.node_groups.new(GROUP, "CompositorNodeTree")
    group[PLATE_PROPERTY] = NAME
    group.interface.new_socket("Image", in_out="INPUT", socket_type="NodeSocketColor")
    for output in ("Image", "People"):
        group.interface.new_socket(output, in_out="OUTPUT", socket_type="NodeSocketColor")

    def node(kind: str, label: str, x: int, y: int):
        new = group.nodes.new(kind)
        new.name = new.label = label
        new.location = x, y
        return new

    render, result = node("NodeGroupInput", "Render", -200, 200), node("NodeGroupOutput", "Result", 700, 100)
    plate, matte = (node("CompositorNodeImage", label, -800, y) for label, y in ((_PLATE, 0), (_MATTE, -400)))
    exposure = node("CompositorNodeExposure", "Exposure", -600, 0)
    keyed, over = (
        node("CompositorNodeSetAlpha", "Key", 0, 0),
        node("CompositorNodeAlphaOver", "Over", 500, 100),
    )
    people = node("CompositorNodePremulKey", "Premultiplied", 250, 0)
    _choose(keyed, "mode", "REPLACE_ALPHA", "Replace Alpha")
    _choose(people, "mapping", "STRAIGHT_TO_PREMUL", "To Premultiplied")
    links = group.links
    links.new(plate.outputs["Image"], exposure.inputs["Image"])
    drive_by_exposure(group, f'nodes["{exposure.name}"].inputs[1].default_value', "-e", scene)
    for source, target, y in ((exposure, keyed.inputs["Image"], 0), (matte, keyed.inputs["Alpha"], -400)):
        filled = stretch(group, source.outputs["Image"], target.name, (-400, y), scene)
        # Beyond its edges a scaled picture is taken to be transparent, and its outermost pixels fade.
        edges = node("CompositorNodePremulKey", f"Edges {target.name}", -200, y)
        _choose(edges, "mapping", "PREMUL_TO_STRAIGHT", "To Straight")
        links.new(filled, edges.inputs["Image"])
        links.new(edges.outputs["Image"], target)
    # By order: they are named alike before Blender 5.
    below, above = [socket for socket in over.inputs if socket.type == "RGBA"]
    links.new(render.outputs["Image"], below)
    links.new(keyed.outputs["Image"], people.inputs["Image"])
    links.new(people.outputs["Image"], above)
    links.new(over.outputs["Image"], result.inputs["Image"])
    links.new(people.outputs["Image"], result.inputs["People"])
    return group


def _choose(node, name: str, before: str, since: str) -> None:
    """What a node is to do: a property of it before Blender 5, the input "Type" since."""
    if _IS_GROUP:
        node.inputs["Type"].default_value = since
    else:
        setattr(node, name, before)


def _insert(scene, group):
    """The group's node before the compositor's output."""
    tree = _tree(scene)
    group[_FIRST] = tree is None
    tree = tree or _switch_on(scene)
    sink = _sink(tree)
    if not sink.is_linked:
        tree.links.new(_render_layers(tree).outputs["Image"], sink)
    source = sink.links[0].from_socket
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree, node.name, node.label = group, GROUP, GROUP
    node.location = sink.node.location.x - 200, sink.node.location.y + 150
    tree.links.new(source, node.inputs["Image"])
    tree.links.new(node.outputs["Image"], sink)
    return node


def _switch_on(scene):
    if not _IS_GROUP:
        scene.use_nodes = True
        return scene.node_tree
    scene.compositing_node_group = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
    return scene.compositing_node_group


def _switch_off(scene, tree) -> None:
    """Unless the artist has gone on from there."""
    if any(node.type not in _OF_NOBODY for node in tree.nodes):
        return
    if _IS_GROUP:
        bpy.data.node_groups.remove(tree)
    else:
        scene.use_nodes = False


def _sink(tree):
    """Where the finished picture goes."""
    kind, identifier = _OUTPUT
    output = next((node for node in tree.nodes if node.type == kind), None)
    if output is None:
        output = tree.nodes.new(identifier)
        output.location = 300, 0
    if _IS_GROUP and not any(socket.type == "RGBA" for socket in output.inputs):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    return next(socket for socket in output.inputs if socket.type == "RGBA")


def _render_layers(tree):
    found = next((node for node in tree.nodes if node.type == "R_LAYERS"), None)
    if found is None:
        found = tree.nodes.new("CompositorNodeRLayers")
        found.location = -400, 0
    return found
