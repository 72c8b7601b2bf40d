"""Bodies are read as they are rendered, not as the viewport draws them."""

import bmesh
import bpy
import numpy as np
import pytest

from isa_engine.errors import SceneError
from isa_engine.shot import Settings
from tests.addon.scenes.cast import add_person, stage
from tests.addon.scenes.renderer import MILLIMETRE, assert_as_rendered
from tests.addon.scenes.shot import capture_shot
from tests.addon.scenes.snapshot import snapshot

SETTINGS = Settings(width=64, height=64)


def points(scene, name="Anna") -> np.ndarray:
    (character,) = (c for c in capture_shot(scene, SETTINGS).characters if c.name == name)
    return character.points


def flags(mesh, collection) -> tuple:
    modifiers = [(modifier.show_viewport, modifier.show_render) for modifier in mesh.modifiers]
    return mesh.hide_viewport, mesh.hide_render, collection.hide_viewport, modifiers


def body_off(mesh, collection):
    mesh.hide_viewport = True


def collection_off(mesh, collection):
    collection.hide_viewport = True


def armature_modifier_off(mesh, collection):
    mesh.modifiers["Armature"].show_viewport = False


@pytest.mark.parametrize("switch", [body_off, collection_off, armature_modifier_off])
def test_what_is_off_in_viewports_and_on_in_renders_is_read_and_left_off(scene, switch):
    anna = stage(scene, frames=4)
    heavy = bpy.data.collections.new("Heavy")
    scene.collection.children.link(heavy)
    heavy.objects.link(anna.children[0])
    scene.collection.objects.unlink(anna.children[0])
    bpy.context.view_layer.update()
    wanted = points(scene)
    assert np.ptp(wanted, axis=0).max() > 0.05
    switch(anna.children[0], heavy)
    bpy.context.view_layer.update()
    before = flags(anna.children[0], heavy)
    np.testing.assert_allclose(points(scene), wanted, atol=1e-6)
    assert flags(anna.children[0], heavy) == before


def test_a_modifier_that_is_off_in_renders_is_not_read(scene):
    anna = stage(scene, frames=2)
    wanted = points(scene)
    push = anna.children[0].modifiers.new("Push", "DISPLACE")
    push.strength, push.show_render = 0.5, False
    np.testing.assert_allclose(points(scene), wanted, atol=1e-6)
    push.show_render = True
    assert np.abs(points(scene) - wanted).max() > 0.1


def test_a_body_is_subdivided_as_in_renders_and_left_as_it_was(scene):
    anna = stage(scene, frames=2)
    finer = anna.children[0].modifiers.new("Finer", "SUBSURF")
    finer.levels = finer.render_levels = 2
    wanted = points(scene)
    finer.levels = 0
    np.testing.assert_allclose(points(scene), wanted, atol=1e-6)
    assert (finer.levels, finer.render_levels) == (0, 2)


def limits_of_simplify(anna):
    """The viewport's limit is below what is rendered, and what is rendered below the modifier's levels."""
    finer = anna.children[0].modifiers.new("Finer", "SUBSURF")
    finer.levels, finer.render_levels = 1, 3
    render = bpy.context.scene.render
    render.use_simplify, render.simplify_subdivision, render.simplify_subdivision_render = True, 0, 2


def coarser_than_drawn(anna):
    limits_of_simplify(anna)
    render = bpy.context.scene.render
    render.simplify_subdivision, render.simplify_subdivision_render = 6, 0


def node_tree(name: str) -> tuple:
    """A new one with its input and output nodes."""
    tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=in_out, socket_type="NodeSocketGeometry")
    return tree, tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")


def nodes_that_ask_for_the_viewport(anna):
    """Half a metre aside in renders alone, by a group within another."""
    inner, start, end = node_tree("Inner")
    asks, choice = inner.nodes.new("GeometryNodeIsViewport"), inner.nodes.new("GeometryNodeSwitch")
    aside = inner.nodes.new("GeometryNodeSetPosition")
    choice.input_type, aside.inputs["Offset"].default_value = "GEOMETRY", (0.5, 0, 0)
    inner.links.new(start.outputs[0], aside.inputs["Geometry"])
    inner.links.new(asks.outputs[0], choice.inputs["Switch"])
    inner.links.new(start.outputs[0], choice.inputs["True"])
    inner.links.new(aside.outputs[0], choice.inputs["False"])
    inner.links.new(choice.outputs[0], end.inputs[0])
    outer, start, end = node_tree("Outer")
    group = outer.nodes.new("GeometryNodeGroup")
    group.node_tree = inner
    outer.links.new(start.outputs[0], group.inputs[0])
    outer.links.new(group.outputs[0], end.inputs[0])
    anna.children[0].modifiers.new("Nodes", "NODES").node_group = outer


def ground_that_is_rendered_higher(anna):
    """A constraint lays the rig on a ground that is displaced in renders alone."""
    bpy.ops.mesh.primitive_grid_add(size=4, x_subdivisions=8, y_subdivisions=8)
    ground = bpy.context.object
    higher = ground.modifiers.new("Higher", "DISPLACE")
    higher.strength, higher.mid_level, higher.show_viewport = 0.4, 0, False
    anna.constraints.new("SHRINKWRAP").target = ground
    ground.hide_render = True


def lattice_by_a_hook(anna):
    """Of a lattice's modifiers Blender's renderer, too, takes those that are on in the viewport."""
    lattice = bpy.data.objects.new("Lattice", bpy.data.lattices.new("Lattice"))
    puller = bpy.data.objects.new("Puller", None)
    lattice.scale = (3, 3, 3)
    for item in (lattice, puller):
        bpy.context.collection.objects.link(item)
    hook = lattice.modifiers.new("Hook", "HOOK")
    hook.object, hook.show_render = puller, False
    hook.vertex_indices_set(range(4))
    bpy.context.view_layer.update()
    puller.location.x = 0.6
    anna.children[0].modifiers.new("Lattice", "LATTICE").object = lattice


def curve_that_is_rendered_finer(anna):
    """A modifier bends the body along it."""
    curve = bpy.data.curves.new("Bend", "CURVE")
    curve.dimensions, curve.resolution_u, curve.render_resolution_u = "3D", 1, 40
    spline = curve.splines.new("NURBS")
    spline.points.add(3)
    for point, x in zip(spline.points, (-3, -1, 1, 3), strict=True):
        point.co = x, np.cos(x), 0, 1
    bend = bpy.data.objects.new("Bend", curve)
    bpy.context.collection.objects.link(bend)
    anna.children[0].modifiers.new("Bend", "CURVE").object = bend


def nodes_that_number_vertices_anew(anna):
    """As many vertices as before, in another order."""
    tree, start, end = node_tree("Shuffle")
    sort, random = tree.nodes.new("GeometryNodeSortElements"), tree.nodes.new("FunctionNodeRandomValue")
    (weight,) = (socket for socket in random.outputs if socket.enabled)
    tree.links.new(start.outputs[0], sort.inputs[0])
    tree.links.new(weight, sort.inputs["Sort Weight"])
    tree.links.new(sort.outputs[0], end.inputs[0])
    anna.children[0].modifiers.new("Shuffle", "NODES").node_group = tree


def subdivision_that_is_driven(anna):
    """As rigs have it: a property says how finely viewports subdivide."""
    finer = anna.children[0].modifiers.new("Finer", "SUBSURF")
    finer.render_levels = 2
    finer.driver_add("levels").driver.expression = "0"


def camera_that_hangs_on_what_is_rendered_otherwise(anna):
    """At a vertex that is pushed out in renders alone."""
    bpy.ops.mesh.primitive_cube_add()
    holder = bpy.context.object
    holder.vertex_groups.new(name="Here").add([0], 1.0, "REPLACE")
    holder.modifiers.new("Push", "DISPLACE").show_viewport = False
    held = bpy.context.scene.camera.constraints.new("COPY_LOCATION")
    held.target, held.subtarget, held.use_offset = holder, "Here", True
    holder.hide_render = True


def modifier_that_is_switched_on_with_time(anna):
    push = anna.children[0].modifiers.new("Push", "DISPLACE")
    push.strength = 0.3
    for frame, on in ((1, False), (2, True)):
        push.show_render = on
        push.keyframe_insert("show_render", frame=frame)


@pytest.mark.parametrize(
    "differ",
    [
        subdivision_that_is_driven,
        camera_that_hangs_on_what_is_rendered_otherwise,
        modifier_that_is_switched_on_with_time,
        curve_that_is_rendered_finer,
        nodes_that_number_vertices_anew,
        limits_of_simplify,
        coarser_than_drawn,
        nodes_that_ask_for_the_viewport,
        ground_that_is_rendered_higher,
        lattice_by_a_hook,
    ],
)
def test_where_viewport_and_render_differ_the_render_is_read_and_the_scene_left(scene, rendered, differ):
    anna = stage(scene, frames=2)
    differ(anna)
    before = snapshot()
    shot = capture_shot(scene, SETTINGS)
    assert snapshot() == before
    for tree in bpy.data.node_groups:
        assert not any(node.mute for node in tree.nodes)
    assert_as_rendered(shot, rendered(shot.frame_numbers))


def test_half_a_body_and_its_mirror_image_have_points_all_over(scene, rendered):
    anna = stage(scene, frames=1)
    body = anna.children[0]
    half = bmesh.new()
    half.from_mesh(body.data)
    bmesh.ops.delete(
        half, geom=[vertex for vertex in half.verts if vertex.co.x < -MILLIMETRE], context="VERTS"
    )
    half.to_mesh(body.data)
    half.free()
    body.modifiers.new("Mirror", "MIRROR")
    body.modifiers.move(1, 0)
    shot = capture_shot(scene, SETTINGS)
    (frame,) = rendered([1])
    assert_as_rendered(shot, [frame])
    vertices, _ = frame.bodies["Anna"]
    away = np.linalg.norm(vertices[:, None] - shot.characters[0].points[0], axis=-1).min(1)
    assert away.max() < 0.1


def decimate(mesh):
    mesh.modifiers.new("Decimate", "DECIMATE").ratio = 0.3


def mask(mesh):
    """As the skin under clothes is masked: all that hangs on the spine."""
    modifier = mesh.modifiers.new("Mask", "MASK")
    modifier.vertex_group, modifier.invert_vertex_group = "spine2", True


def weld(mesh):
    mesh.modifiers.new("Weld", "WELD").merge_threshold = 0.05


@pytest.mark.parametrize("remove", [decimate, mask, weld])
def test_points_stay_on_the_skin_of_the_whole_body(scene, remove):
    anna = stage(scene, frames=3)
    wanted = points(scene)
    remove(anna.children[0])
    np.testing.assert_allclose(points(scene), wanted, atol=1e-6)


def test_skin_that_geometry_nodes_delete_is_a_sentence(scene):
    anna = stage(scene, frames=2)
    tree, start, end = node_tree("Delete")
    delete, place = tree.nodes.new("GeometryNodeDeleteGeometry"), tree.nodes.new("GeometryNodeInputPosition")
    above = tree.nodes.new("FunctionNodeCompare")
    above.data_type, above.mode, above.operation = "VECTOR", "ELEMENT", "GREATER_THAN"
    tree.links.new(start.outputs[0], delete.inputs[0])
    tree.links.new(place.outputs[0], above.inputs[4])
    tree.links.new(above.outputs[0], delete.inputs["Selection"])
    tree.links.new(delete.outputs[0], end.inputs[0])
    anna.children[0].modifiers.new("Undress", "NODES").node_group = tree
    with pytest.raises(SceneError, match=r"take away parts of 'Anna'.*'Undress'"):
        capture_shot(scene, SETTINGS)


@pytest.mark.parametrize("applied", [False, True])
def test_a_mirrored_bodys_surface_faces_outwards(scene, applied):
    stage(scene, frames=1)
    ben = add_person("Ben")
    ben.scale.x = -1
    if applied:
        # As after Ctrl A: no scale tells any more, and the faces look inside.
        ben.scale.x = 1
        mesh = ben.children[0].data
        for polygon in mesh.polygons:
            polygon.flip()
    bpy.context.view_layer.update()
    for character in capture_shot(scene, SETTINGS).characters:
        a, b, c = np.moveaxis(character.points[0].astype(float)[character.triangles], 1, 0)
        middle = character.points[0].mean(0)
        assert (np.cross(a - middle, b - middle) * (c - middle)).sum() > 0


@pytest.mark.parametrize("edited", [lambda anna: anna, lambda anna: anna.children[0]], ids=["rig", "mesh"])
def test_a_character_in_edit_mode_is_a_sentence(scene, edited):
    bpy.context.view_layer.objects.active = edited(stage(scene, frames=2))
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        with pytest.raises(
            SceneError, match=r"is in Edit Mode, where nothing moves\. Leave the mode with Tab"
        ):
            capture_shot(scene, SETTINGS)
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
