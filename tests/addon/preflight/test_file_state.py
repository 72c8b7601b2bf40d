"""Who is rendered and cannot be read, and what else of the file stands in the way, is said early."""

from fractions import Fraction

import bmesh
import bpy
import numpy as np
import pytest
from PIL import Image

from isa_blender_addon.preflight import file_state
from isa_blender_addon.preflight.glance import glance
from isa_blender_addon.scene.characters import find_characters
from isa_blender_addon.scene.picture import stored_turned
from isa_blender_addon.session.reading.reading import Reading
from isa_blender_addon.settings.cast import playing, refresh_cast
from isa_engine.results.video import write_video
from isa_engine.shot import Settings
from tests.addon.scenes.cast import add_person, stage
from tests.addon.scenes.shot import capture_shot


@pytest.fixture
def staged(addon, scene):
    stage(scene, frames=3)
    refresh_cast(scene)
    return scene


def said(scene) -> list:
    file_state.look_again()
    return file_state.check_file(scene)


def press(finding) -> None:
    (mend,) = finding.mends
    kind, name = mend.operator.split(".")
    assert getattr(getattr(bpy.ops, kind), name)(**mend.values) == {"FINISHED"}


def as_instance(scene, name: str):
    person = add_person(name)
    asset = bpy.data.collections.new("Asset")
    for item in (person, *person.children):
        scene.collection.objects.unlink(item)
        asset.objects.link(item)
    empty = bpy.data.objects.new(f"{name}'s instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", asset
    scene.collection.objects.link(empty)
    bpy.context.view_layer.update()
    return empty


def test_all_is_quiet_where_everybody_can_be_read(staged):
    assert said(staged) == []


def test_footage_that_does_not_last_is_named_and_a_button_ends_the_range_with_it(staged, tmp_path):
    write_video(tmp_path / "street.mp4", np.zeros((9, 64, 64, 3), np.uint8), Fraction(24), 1, {})
    staged.isa.background, staged.isa.footage_start = "FOOTAGE", 1
    staged.isa.footage = bpy.data.images.load(str(tmp_path / "street.mp4"))
    staged.frame_start, staged.frame_end, staged.frame_step = 1, 9, 2
    assert said(staged) == []
    staged.frame_end = 30
    (finding,) = said(staged)
    assert finding.serious
    assert "street.mp4 lasts from frame 1 to 9, the shot from 1 to 29" in finding.sentence
    press(finding)
    assert (staged.frame_end, said(staged)) == (9, [])
    staged.isa.footage_start = 3
    (finding,) = said(staged)
    assert "lasts from frame 3 to 11, the shot from 1 to 9: move its start" in finding.sentence
    assert finding.mends == ()
    staged.isa.background = "NONE"
    assert said(staged) == []


def test_an_instance_is_named_and_its_button_makes_it_a_character_where_it_stands(staged):
    empty = as_instance(staged, "Ben")
    empty.location = (2, 1, 0)
    (finding,) = said(staged)
    assert "Ben: rendered as an instance by 'Ben's instance'" in finding.sentence
    press(finding)
    assert said(staged) == []
    names = {character.name for character in capture_shot(staged, Settings(width=64, height=64)).characters}
    assert len(names) == 2
    (other,) = names - {"Anna"}
    place = capture_shot(staged, Settings(width=64, height=64)).characters
    shown = next(c for c in place if c.name == other)
    assert shown.points[0, :, 0].mean() > 1
    # It moves: the copy's mesh hangs on the copy's armature.
    assert abs(shown.points[-1] - shown.points[0]).max() > 0.01


def test_who_is_hidden_within_an_instance_is_not_named(staged):
    empty = as_instance(staged, "Ben")
    outer = bpy.data.collections.new("Outer")
    outer.children.link(empty.instance_collection)
    empty.instance_collection.hide_render = True
    assert said(staged) == []
    empty.instance_collection = outer
    assert said(staged) == []
    outer.children[0].hide_render = False
    assert len(said(staged)) == 1


def test_an_instance_of_a_linked_collection_is_made_real_as_well(staged, tmp_path):
    empty = as_instance(staged, "Ben")
    empty.location = (2, 1, 0)
    asset = empty.instance_collection
    library = tmp_path / "asset.blend"
    bpy.data.libraries.write(str(library), {asset})
    own = [*asset.objects, asset]
    with bpy.data.libraries.load(str(library), link=True) as (_, target):
        target.collections = ["Asset"]
    (empty.instance_collection,) = target.collections
    bpy.data.batch_remove(own)
    bpy.context.view_layer.update()
    (finding,) = said(staged)
    assert "rendered as an instance by 'Ben's instance'" in finding.sentence
    press(finding)
    assert said(staged) == []
    characters = capture_shot(staged, Settings(width=64, height=64)).characters
    (ben,) = (c for c in characters if c.name != "Anna")
    assert ben.points[0, :, 0].mean() > 1
    assert abs(ben.points[-1] - ben.points[0]).max() > 0.01


def test_an_instance_within_an_instance_is_named_and_made_real_step_by_step(staged):
    inner = as_instance(staged, "Ben")
    set_of_all = bpy.data.collections.new("Set")
    staged.collection.objects.unlink(inner)
    set_of_all.objects.link(inner)
    outer = bpy.data.objects.new("The set", None)
    outer.instance_type, outer.instance_collection, outer.location = "COLLECTION", set_of_all, (2, 1, 0)
    staged.collection.objects.link(outer)
    bpy.context.view_layer.update()
    (finding,) = said(staged)
    assert "Ben: rendered as an instance by 'The set'" in finding.sentence
    press(finding)
    (finding,) = said(staged)
    press(finding)
    assert said(staged) == []
    characters = capture_shot(staged, Settings(width=64, height=64)).characters
    (ben,) = (c for c in characters if c.name != "Anna")
    assert ben.points[0, :, 0].mean() > 1


def test_a_head_of_its_own_that_no_point_lies_on_is_named(addon, scene):
    anna = stage(scene, frames=2)
    body = anna.children[0]
    for name in ("smplx_gender", "smplx_version"):
        del body[name]
    for bone in list(anna.data.bones):
        bone.name = f"rig {bone.name}"
    head = bpy.data.objects.new("Head", bpy.data.meshes.new("Head"))
    scene.collection.objects.link(head)
    ball = bmesh.new()
    bmesh.ops.create_icosphere(ball, subdivisions=5, radius=0.1)
    ball.to_mesh(head.data)
    assert len(head.data.vertices) > len(body.data.vertices)
    head.vertex_groups.new(name="rig head").add(range(len(head.data.vertices)), 1.0, "REPLACE")
    head.modifiers.new("Armature", "ARMATURE").object = anna
    anna.select_set(True)
    bpy.ops.isa.add_to_cast()
    assert [rig.mesh for rig in find_characters(scene)] == [body]
    assert said(scene) == []
    head.location.z = 1
    bpy.context.view_layer.update()
    (finding,) = said(scene)
    assert "points lie on 'SMPLX-mesh-neutral' alone, and 'Head'" in finding.sentence


def test_a_part_that_was_separated_from_a_body_is_named(staged):
    (body,) = staged.objects["Anna"].children
    bpy.context.view_layer.objects.active = body
    mesh = bmesh.new()
    mesh.from_mesh(body.data)
    mesh.select_mode = {"VERT"}
    for vertex in mesh.verts:
        vertex.select = vertex.co.x > 0.3
    mesh.select_flush_mode()
    mesh.to_mesh(body.data)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.separate(type="SELECTED")
    bpy.ops.object.mode_set(mode="OBJECT")
    (arm,) = {*staged.objects["Anna"].children} - {body}
    assert 0 < len(arm.data.vertices) < len(body.data.vertices)
    (finding,) = said(staged)
    assert f"points lie on '{body.name}' alone, and '{arm.name}' reach beyond it" in finding.sentence
    bpy.data.objects.remove(arm)
    assert said(staged) == []


@pytest.mark.parametrize("instanced", [False, True])
def test_somebody_in_another_view_layer_that_renders_is_named(staged, instanced):
    crowd = bpy.data.collections.new("Crowd")
    staged.collection.children.link(crowd)
    person = add_person("Ben")
    for item in (person, *person.children):
        staged.collection.objects.unlink(item)
        crowd.objects.link(item)
    if instanced:
        people = bpy.data.collections.new("People")
        for item in (person, *person.children):
            crowd.objects.unlink(item)
            people.objects.link(item)
        empty = bpy.data.objects.new("Instance", None)
        empty.instance_type, empty.instance_collection = "COLLECTION", people
        crowd.objects.link(empty)
    staged.view_layers.new("Crowd only")
    bpy.context.view_layer.layer_collection.children["Crowd"].exclude = True
    (finding,) = said(staged)
    assert "Ben: rendered in view layer 'Crowd only' alone" in finding.sentence
    press(finding)
    if instanced:
        (finding,) = said(staged)
        press(finding)
    assert said(staged) == []
    assert len(capture_shot(staged, Settings(width=64, height=64)).characters) == 2


@pytest.mark.parametrize("between", [False, True])
def test_somebody_in_the_background_scene_is_named(staged, between):
    behind = bpy.data.scenes.new("Street")
    person = add_person("Ben")
    for item in (person, *person.children):
        staged.collection.objects.unlink(item)
        behind.collection.objects.link(item)
    staged.background_set = behind
    if between:
        staged.background_set = bpy.data.scenes.new("Fog")
        staged.background_set.background_set = behind
    refresh_cast(staged)
    (finding,) = said(staged)
    assert "Ben: rendered behind this scene from scene 'Street'" in finding.sentence
    press(finding)
    assert [member.character.name for member in playing(bpy.context.scene)] == ["Ben"]


def test_a_missing_library_is_serious(staged, tmp_path):
    library = tmp_path / "props.blend"
    prop = bpy.data.objects.new("Prop", None)
    bpy.data.libraries.write(str(library), {prop})
    with bpy.data.libraries.load(str(library), link=True) as (_, target):
        target.objects = ["Prop"]
    assert said(staged) == []
    library.unlink()
    (finding,) = said(staged)
    assert finding.serious
    assert "props.blend" in finding.sentence
    assert [mend.operator for mend in finding.mends] == ["file.find_missing_files"]


def test_blocked_drivers_are_serious_and_go_with_trust(addon, scene, tmp_path):
    stage(scene, frames=3).driver_add(
        "location", 0
    ).driver.expression = "bpy.context.scene.frame_current * 0.5"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "driven.blend"))
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "driven.blend"), use_scripts=False)
    bpy.context.scene.frame_set(2)
    findings = [found for found in said(bpy.context.scene) if "Python" in found.sentence]
    assert [found.serious for found in findings] == [True]
    assert "frame_current" in findings[0].sentence


def test_a_photograph_that_is_stored_turned_is_said_and_turned(staged, tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    path = tmp_path / "phone.jpg"
    Image.new("RGB", (90, 160), (90, 80, 70)).save(path, exif=exif)
    (member,) = playing(staged)
    member.picture = str(path)
    (finding,) = (found for found in glance(staged, None) if "stored turned" in found.sentence)
    assert finding.serious
    press(finding)
    assert member.picture == str(tmp_path / "phone-upright.png")
    with Image.open(member.picture) as upright:
        assert upright.size == (160, 90)
    assert stored_turned(member.picture) == 1
    assert not [found for found in glance(staged, None) if "turned" in found.sentence]


def turned_picture(path, size=(90, 160)) -> str:
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new("RGB", size, (90, 80, 70)).save(path, exif=exif)
    return str(path)


def test_a_picture_that_is_packed_is_turned_like_a_file(staged, tmp_path):
    (member,) = playing(staged)
    member.picture = turned_picture(tmp_path / "phone.jpg")
    bpy.data.images.load(member.picture).pack()
    (tmp_path / "phone.jpg").unlink()
    (finding,) = (found for found in glance(staged, None) if "stored turned" in found.sentence)
    press(finding)
    with Image.open(tmp_path / "phone-upright.png") as upright:
        assert upright.size == (160, 90)


@pytest.mark.parametrize("source", ["FILE", "SEQUENCE"])
def test_footage_of_pictures_that_are_stored_turned_holds_the_shot(staged, tmp_path, source):
    for frame in (1, 2, 3):
        turned_picture(tmp_path / f"set{frame}.jpg", (160, 90))
        Image.new("RGB", (160, 90)).save(tmp_path / f"well{frame}.jpg")
    staged.isa.background, staged.isa.footage_start = "FOOTAGE", 1
    for name, held in (("well1.jpg", []), ("set1.jpg", [True])):
        staged.isa.footage = bpy.data.images.load(str(tmp_path / name))
        staged.isa.footage.source = source
        assert [found.serious for found in said(staged)] == held
    assert "The footage set1.jpg is stored turned" in said(staged)[0].sentence


@pytest.mark.parametrize("select", ["armature", "mesh"])
def test_any_skinned_mesh_is_added_to_the_cast_by_a_button(addon, scene, select):
    stage(scene, frames=3)
    other = add_person("Robot")
    for name in ("smplx_gender", "smplx_version"):
        del other.children[0][name]
    for bone in list(other.data.bones):
        bone.name = f"mixamorig:{bone.name}"
    refresh_cast(scene)
    assert [member.character.name for member in playing(scene)] == ["Anna"]
    for item in bpy.context.selected_objects:
        item.select_set(False)
    (other if select == "armature" else other.children[0]).select_set(True)
    assert bpy.ops.isa.add_to_cast() == {"FINISHED"}
    assert {member.character.name for member in playing(scene)} == {"Anna", "Robot"}
    assert scene.isa.cast[scene.isa.cast_index].character == other
    assert len(capture_shot(scene, Settings(width=64, height=64)).characters) == 2


def test_what_is_no_character_is_refused_and_leaves_no_trace(addon, scene):
    stage(scene, frames=3)
    refresh_cast(scene)
    bpy.ops.mesh.primitive_cube_add()
    with pytest.raises(RuntimeError, match="no SMPL-X character and no skinned mesh"):
        bpy.ops.isa.add_to_cast()
    assert [member.character.name for member in playing(scene)] == ["Anna"]
    assert "isa_cast" not in bpy.context.object


def copied_by_vertices(person, plane) -> None:
    plane.instance_type = "VERTS"
    person.children[0].parent = plane


def copied_by_nodes(person, plane) -> None:
    tree = bpy.data.node_groups.new("Scatter", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    points, copy = tree.nodes.new("GeometryNodePoints"), tree.nodes.new("GeometryNodeInstanceOnPoints")
    info, end = tree.nodes.new("GeometryNodeObjectInfo"), tree.nodes.new("NodeGroupOutput")
    points.inputs["Count"].default_value = 3
    info.inputs["Object"].default_value, info.inputs["As Instance"].default_value = person.children[0], True
    tree.links.new(points.outputs[0], copy.inputs["Points"])
    tree.links.new(info.outputs["Geometry"], copy.inputs["Instance"])
    tree.links.new(copy.outputs[0], end.inputs[0])
    plane.modifiers.new("Scatter", "NODES").node_group = tree


def made_a_part_by_nodes(person, plane) -> None:
    """The skin of one who is hidden becomes the plane's own mesh."""
    tree = bpy.data.node_groups.new("Show", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    info, end = tree.nodes.new("GeometryNodeObjectInfo"), tree.nodes.new("NodeGroupOutput")
    info.inputs["Object"].default_value = person.children[0]
    tree.links.new(info.outputs["Geometry"], end.inputs[0])
    plane.modifiers.new("Show", "NODES").node_group = tree
    person.children[0].hide_render = True


def copied_by_particles(person, plane) -> None:
    settings = plane.modifiers.new("Crowd", "PARTICLE_SYSTEM").particle_system.settings
    settings.count, settings.frame_start, settings.frame_end = 3, 0, 0
    settings.render_type, settings.instance_object = "OBJECT", person.children[0]


def modifiers_off(plane) -> None:
    for modifier in plane.modifiers:
        modifier.show_viewport = False


def all_off(plane) -> None:
    plane.hide_viewport = True


@pytest.mark.parametrize("in_viewports", [lambda plane: None, modifiers_off, all_off])
@pytest.mark.parametrize(
    "copy", [copied_by_vertices, copied_by_nodes, copied_by_particles, made_a_part_by_nodes]
)
def test_people_whom_something_copies_are_named_once_the_frames_are_read(staged, copy, in_viewports):
    person = add_person("Ben")
    bpy.ops.mesh.primitive_plane_add()
    plane = bpy.context.object
    plane.name = "Crowd"
    copy(person, plane)
    in_viewports(plane)
    refresh_cast(staged)
    reading = Reading(staged)
    while reading.step():
        pass
    (finding,) = (f for f in reading.findings_in(staged) if "Ben: copied by 'Crowd'" in f.sentence)
    plane.hide_viewport = False
    bpy.context.view_layer.update()
    press(finding)
    assert bpy.context.view_layer.objects.active == plane
