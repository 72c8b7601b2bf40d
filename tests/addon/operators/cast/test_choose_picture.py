"""Pictures and motions come to the character that they are meant for: chosen, dropped, or pasted."""

import os
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from mathutils import Vector

from isa_blender_addon.operators.cast import choose_picture, import_motion
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.ui import drops
from isa_engine.body import bundled_motion, write_motion
from tests.addon.scenes.cast import add_person, stage
from tests.pipeline.shots import picture

SIZE = 640, 360


@pytest.fixture
def staged(scene, tmp_path, addon):
    stage(scene, frames=2)
    add_person("Ben").location.x = 1.0
    bpy.context.view_layer.update()
    refresh_cast(scene)
    scene.isa.folder = str(tmp_path / "takes")
    (tmp_path / "photo.png").write_bytes(picture(64, 36, 0))
    return scene


def member(scene, name: str):
    return next(each for each in scene.isa.cast if each.character.name == name)


def view(scene) -> SimpleNamespace:
    """The context of a 3D viewport that looks through the scene's camera, a sidebar over its right edge."""
    camera = scene.camera
    sight = camera.matrix_world.inverted()
    lens = camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=SIZE[0], y=SIZE[1])
    region_3d = SimpleNamespace(view_matrix=sight, perspective_matrix=lens @ sight, is_perspective=True)
    regions = [
        SimpleNamespace(type="WINDOW", x=100, y=50, width=SIZE[0], height=SIZE[1]),
        SimpleNamespace(type="UI", x=100 + SIZE[0] - 60, y=50, width=60, height=SIZE[1]),
    ]
    spaces = SimpleNamespace(active=SimpleNamespace(region_3d=region_3d))
    area = SimpleNamespace(type="VIEW_3D", regions=regions, spaces=spaces)
    return SimpleNamespace(scene=scene, area=area, view_layer=bpy.context.view_layer)


def over(context, character) -> SimpleNamespace:
    """The mouse over somebody's chest."""
    region, region_3d = context.area.regions[0], context.area.spaces.active.region_3d
    chest = character.matrix_world @ character.pose.bones["spine2"].head
    place = region_3d.perspective_matrix @ Vector((*chest, 1))
    x, y = (place.xy / place.w + Vector((1, 1))) / 2
    return SimpleNamespace(
        mouse_x=region.x + int(x * region.width), mouse_y=region.y + int(y * region.height)
    )


def dropped(operator, context, mouse, path: Path) -> list[str]:
    """Drop a file; what is reported."""
    said = []
    cls = type("Dropped", (), {name: value for name, value in vars(operator).items() if name[:2] != "__"})
    base = operator.__mro__[1]
    life = type("Life", (cls, base), {"report": lambda self, _kind, text: said.append(text)})()
    life.filepath, life.character, life.end_range, life.mute_held = str(path), "", False, False
    assert life.invoke(context, mouse) == {"FINISHED"}
    return said


def test_a_picture_that_is_dropped_on_somebody_is_theirs(staged, tmp_path):
    context = view(staged)
    for name in ("Ben", "Anna"):
        mouse = over(context, member(staged, name).character)
        said = dropped(choose_picture.ISA_OT_choose_picture, context, mouse, tmp_path / "photo.png")
        assert said == [f"photo.png is {name}'s reference picture."]
        assert member(staged, name).picture == str(tmp_path / "photo.png")


@pytest.mark.parametrize("place", [(110, 60), (100 + SIZE[0] - 30, 200), (0, 0)])
def test_beside_everybody_it_is_that_of_the_lists_active_row(staged, tmp_path, place):
    names = [each.character.name for each in staged.isa.cast]
    staged.isa.cast_index = names.index("Ben")
    mouse = SimpleNamespace(mouse_x=place[0], mouse_y=place[1])
    said = dropped(choose_picture.ISA_OT_choose_picture, view(staged), mouse, tmp_path / "photo.png")
    assert said == ["photo.png is Ben's reference picture."]
    assert not member(staged, "Anna").picture


def test_a_motion_that_is_dropped_on_somebody_moves_them(staged, tmp_path):
    write_motion(bundled_motion("walk"), tmp_path / "walk.npz")
    context, ben = view(staged), member(staged, "Ben").character
    context.active_object = ben
    said = dropped(import_motion.ISA_OT_import_motion, context, over(context, ben), tmp_path / "walk.npz")
    assert said[0].startswith("Ben moves on frames 1–")
    assert ben.animation_data.action
    assert bpy.context.view_layer.objects.active == ben


def test_what_can_be_dropped_is_what_can_be_opened(staged):
    for handler in drops.CLASSES:
        room, name = handler.bl_import_operator.split(".")
        operator = getattr(getattr(bpy.ops, room), name).get_rna_type()
        assert "filepath" in operator.properties, "it is how Blender hands a file over"
        assert operator.properties["filepath"].is_skip_save, "the next click asks again"
        globs = operator.properties["filter_glob"].default.split(";")
        assert handler.bl_file_extensions.split(";") == [glob.lstrip("*") for glob in globs]
        assert handler.poll_drop(view(staged))
        assert not handler.poll_drop(SimpleNamespace(scene=staged, area=None))
    assert {".png", ".jpg", ".jpeg", ".webp", ".exr"} <= set(
        drops.ISA_FH_picture.bl_file_extensions.split(";")
    )
    assert {".bvh", ".npz", ".amc"} == set(drops.ISA_FH_motion.bl_file_extensions.split(";"))
    staged.isa.cast.clear()
    assert not drops.ISA_FH_picture.poll_drop(view(staged))


@pytest.mark.parametrize("asking", ["choose_picture", "import_results", "import_people"])
def test_browsers_for_pictures_plates_and_videos_open_with_thumbnails(staged, asking):
    wish = getattr(bpy.ops.isa, asking).get_rna_type().properties["display_type"]
    theirs = bpy.types.FileSelectParams.bl_rna.properties["display_type"].enum_items
    assert wish.enum_items[wish.default].value == theirs["THUMBNAIL"].value


def clipboard(folder: Path, monkeypatch, content: bytes | None) -> None:
    """An xclip that gives this; None: there is none."""
    folder.mkdir()
    if content is not None:
        (folder / "content").write_bytes(content)
        (folder / "xclip").write_text(f"#!/bin/sh\n[ $4 = image/png ] && /bin/cat {folder}/content\n")
        (folder / "xclip").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_picture_on_the_clipboard_is_kept_beside_the_takes(staged, tmp_path, monkeypatch):
    content = picture(64, 36, 3)
    clipboard(tmp_path / "bin", monkeypatch, content)
    for name, file in (("Anna", "pasted.png"), ("Ben", "pasted-2.png")):
        assert bpy.ops.isa.paste_picture(character=name) == {"FINISHED"}
        assert Path(member(staged, name).picture) == tmp_path / "takes" / file
        assert Path(member(staged, name).picture).read_bytes() == content


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_where_no_picture_is_on_the_clipboard_that_is_a_sentence(staged, tmp_path, monkeypatch, content):
    clipboard(tmp_path / "bin", monkeypatch, content)
    with pytest.raises(RuntimeError, match="No picture is on the clipboard"):
        bpy.ops.isa.paste_picture(character="Anna")
    assert not member(staged, "Anna").picture
    assert os.listdir(tmp_path / "takes") == []
