"""Presets: Draft, Final, Exact and the artist's own, which are numbers in a file and never run."""

import argparse
import json

import bpy
import pytest

from isa_blender_addon.headless.arguments import add_scene_arguments, configure
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.settings.presets import presets
from isa_blender_addon.settings.shot import generation_settings
from isa_engine.configuration.policies import PRESETS
from isa_engine.errors import ModelError, SceneError
from isa_engine.models.isa import ISA
from tests.addon.scenes.cast import stage
from tests.addon.scenes.snapshot import snapshot


@pytest.fixture
def own_presets(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "isa_blender_addon.settings.presets._file", lambda: tmp_path / "config" / "presets.json"
    )
    monkeypatch.setattr(presets, "_own", None)
    return tmp_path / "config" / "presets.json"


def forget_presets(monkeypatch) -> None:
    """As in the next Blender."""
    monkeypatch.setattr(presets, "_own", None)


def test_draft_and_final_are_there_and_say_which_is_chosen(addon, own_presets):
    assert list(presets(addon)) == ["Draft", "Final", "Exact"]
    assert presets.chosen(addon) == "Final", "what a new scene has"
    bpy.ops.isa.use_preset(name="Draft")
    assert presets.chosen(addon) == "Draft"
    addon.isa.steps += 1
    assert presets.chosen(addon) == ""


def test_draft_is_the_models_own_canvas_and_final_and_exact_a_larger_one(addon, own_presets):
    assert generation_settings(addon).height == 224, "what a new scene has"
    for name, height in (("Draft", 128), ("Exact", 224), ("Draft", 128), ("Final", 224)):
        bpy.ops.isa.use_preset(name=name)
        assert generation_settings(addon).height == height
    addon.isa.detail = 3
    assert presets.chosen(addon) == ""
    bpy.ops.isa.use_preset(name="Final")
    assert (addon.isa.detail, presets.chosen(addon)) == (2, "Final")
    bpy.ops.isa.use_detail(detail=1)
    assert (addon.isa.detail, presets.chosen(addon)) == (1, "")


def test_of_a_model_that_does_not_paint_in_tiles_detail_is_no_part_of_a_preset(addon, monkeypatch):
    monkeypatch.setattr(ISA, "detail", 1)
    addon.isa.detail = 4
    assert presets.chosen(addon) == "Final"
    assert generation_settings(addon).height == 128


def test_each_built_in_preset_is_a_row_that_was_measured_and_goes_to_the_engine(addon, own_presets):
    for name, measured in PRESETS.items():
        bpy.ops.isa.use_preset(name=name)
        assert presets.chosen(addon) == name
        settings = generation_settings(addon)
        assert (settings.steps, settings.policy) == (measured.steps, measured.policy)


def test_a_command_line_may_wish_a_preset_and_something_else_of_it(addon, own_presets):
    parser = argparse.ArgumentParser()
    add_scene_arguments(parser)
    configure(addon, parser.parse_args(["--preset", "Exact", "--guidance", "3"]))
    settings = generation_settings(addon)
    assert (settings.steps, settings.policy) == (PRESETS["Exact"].steps, PRESETS["Exact"].policy)
    assert (settings.guidance, addon.isa.detail) == (3, PRESETS["Exact"].detail)
    configure(addon, parser.parse_args(["--preset", "Final", "--detail", "1"]))
    assert (addon.isa.steps, addon.isa.detail) == (PRESETS["Final"].steps, 1)
    configure(addon, parser.parse_args(["--preset", "Exact", "--policy", "sparing"]))
    assert (addon.isa.steps, generation_settings(addon).policy) == (PRESETS["Exact"].steps, "sparing")


def test_a_command_line_may_not_wish_one_by_one_of_a_model_that_cannot(addon):
    parser = argparse.ArgumentParser()
    add_scene_arguments(parser)
    with pytest.raises(ModelError, match="'isa-tiny' cannot paint people one after the other"):
        configure(addon, parser.parse_args(["--one-by-one"]))
    assert not addon.isa.one_by_one
    configure(addon, parser.parse_args(["--no-one-by-one"]))


def test_a_command_line_may_wish_more_detail_of_a_model_that_paints_in_tiles(addon, monkeypatch):
    parser = argparse.ArgumentParser()
    add_scene_arguments(parser)
    configure(addon, parser.parse_args(["--detail", "3"]))
    assert generation_settings(addon).height == 320
    with pytest.raises(SceneError, match="--detail 5 is out of range"):
        configure(addon, parser.parse_args(["--detail", "5"]))
    monkeypatch.setattr(ISA, "detail", 1)
    with pytest.raises(ModelError, match=r"'isa-tiny' does not paint in tiles.*Leave out --detail"):
        configure(addon, parser.parse_args(["--detail", "2"]))
    assert generation_settings(addon).height == 128


def test_a_command_line_may_wish_a_plate_of_more_pixels_where_it_is_laid_over_a_background(addon):
    parser = argparse.ArgumentParser()
    add_scene_arguments(parser)
    with pytest.raises(SceneError, match=r"plate has the pixels of its canvas\. Leave out --plate-scale"):
        configure(addon, parser.parse_args(["--plate-scale", "3"]))
    configure(addon, parser.parse_args(["--plate-scale", "1"]))
    addon.isa.background = "RENDER"
    configure(addon, parser.parse_args(["--plate-scale", "3"]))
    assert generation_settings(addon).plate_scale == 3
    with pytest.raises(SceneError, match="--plate-scale 5 is out of range"):
        configure(addon, parser.parse_args(["--plate-scale", "5"]))


def test_a_command_line_may_not_wish_it_of_a_model_that_lays_no_plate_over(addon, monkeypatch):
    parser = argparse.ArgumentParser()
    add_scene_arguments(parser)
    addon.isa.background = "RENDER"
    monkeypatch.setattr(ISA, "lays_over", False)
    with pytest.raises(ModelError, match=r"'isa-tiny' has the pixels of its canvas.*Leave out --plate-scale"):
        configure(addon, parser.parse_args(["--plate-scale", "2"]))


@pytest.mark.parametrize(("option", "control"), [("--steering", "depth"), ("--painted", "boxes")])
def test_a_command_line_may_not_wish_a_picture_that_does_not_steer_the_model(addon, option, control):
    parser = argparse.ArgumentParser()
    add_scene_arguments(parser)
    with pytest.raises(ModelError, match=f"'isa-tiny' cannot be steered by '{control}'.*Leave out {option}"):
        configure(addon, parser.parse_args([option, control]))
    assert (addon.isa.steering, addon.isa.painted) == ("pose", "mask")


def test_a_preset_of_ones_own_outlives_blender_and_can_be_removed(addon, own_presets, monkeypatch):
    addon.isa.model, addon.isa.steps, addon.isa.guidance = "isa-4b", 50, 3.3
    addon.isa.policy, addon.isa.detail = "exact", 3
    assert bpy.ops.isa.add_preset(name="  Nacht 夜 ") == {"FINISHED"}
    bpy.ops.isa.use_preset(name="Draft")
    forget_presets(monkeypatch)
    bpy.ops.isa.use_preset(name="Nacht 夜")
    assert (addon.isa.model, addon.isa.steps) == ("isa-4b", 50)
    assert addon.isa.guidance == pytest.approx(3.3)
    assert (addon.isa.policy, addon.isa.detail) == ("exact", 3)
    assert presets.chosen(addon) == "Nacht 夜"
    bpy.ops.isa.remove_preset(name="Nacht 夜")
    forget_presets(monkeypatch)
    assert list(presets(addon)) == ["Draft", "Final", "Exact"]
    assert addon.isa.steps == 50


@pytest.mark.parametrize(("name", "sentence"), [("", "needs a name"), ("Draft", "'Draft' stays as it is")])
def test_names_that_cannot_be_are_said(addon, own_presets, name, sentence):
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.isa.add_preset(name=name)
    assert not own_presets.exists()


def test_presets_that_cannot_be_written_are_said(addon, own_presets):
    own_presets.parent.write_text("a file in the way")
    with pytest.raises(RuntimeError, match="The presets cannot be written"):
        bpy.ops.isa.add_preset(name="Mine")


@pytest.mark.parametrize(
    "content",
    [
        "import os; os.abort()",
        '{"version": 2, "presets": {}}',
        '{"version": 1, "presets": {"Draft": {"steps": 1, "guidance": 9}}}',
        '{"version": 1, "presets": {"x": {"steps": "1", "guidance": 9}}}',
        '{"version": 1, "presets": {"x": {"steps": 1, "guidance": NaN}}}',
        '{"version": 1, "presets": {"x": {"steps": 1, "guidance": 2, "policy": "magic"}}}',
        '{"version": 1, "presets": {"x": {"steps": 1, "guidance": 2, "policy": []}}}',
        '{"version": 1, "presets": {"x": {"steps": 1, "guidance": 2, "more": 3}}}',
        '{"version": 1, "presets": {"x": {"steps": 1, "guidance": 2, "detail": 0}}}',
        '{"version": 1, "presets": {"x": {"steps": 1, "guidance": 2, "detail": 5}}}',
        '{"version": 1, "presets": {"x": {"steps": 1, "guidance": 2, "detail": 2.0}}}',
        '{"version": 1, "presets": [1]}',
        "[]",
    ],
)
def test_presets_from_a_stranger_can_do_nothing_but_be_wrong(addon, own_presets, content):
    own_presets.parent.mkdir()
    own_presets.write_text(content)
    assert list(presets(addon)) == ["Draft", "Final", "Exact"]


@pytest.mark.parametrize("strange", [{"steps": 9, "guidance": 3, "more": 1}, {"steps": "9", "guidance": 3}])
def test_a_preset_of_another_version_hides_no_other_and_outlives_a_change_by_this_one(
    addon, own_presets, strange
):
    own_presets.parent.mkdir()
    entries = {"Later": strange, "Mine": {"steps": 7, "guidance": 2}}
    own_presets.write_text(json.dumps({"version": 1, "presets": entries}))
    assert list(presets.own()) == ["Mine"]
    bpy.ops.isa.add_preset(name="Another")
    assert list(presets.own()) == ["Another", "Mine"]
    bpy.ops.isa.remove_preset(name="Mine")
    kept = json.loads(own_presets.read_text())["presets"]
    assert (list(kept), kept["Later"]) == (["Another", "Later"], strange)


@pytest.mark.parametrize("content", ['{"version": 2, "presets": {"Mine": {}}}', '{"version": 1, "pres', "[]"])
def test_presets_that_cannot_be_read_are_not_written_over(addon, own_presets, content):
    own_presets.parent.mkdir()
    own_presets.write_text(content)
    for change in (bpy.ops.isa.add_preset, bpy.ops.isa.remove_preset):
        with pytest.raises(RuntimeError, match=r"The presets cannot be read.*presets\.json"):
            change(name="Mine")
    assert own_presets.read_text() == content


def test_a_preset_for_a_model_that_is_not_known_is_said(addon, own_presets):
    own_presets.parent.mkdir()
    own_presets.write_text('{"version": 1, "presets": {"x": {"steps": 1, "guidance": 2, "model": "isa-9t"}}}')
    before = snapshot()
    with pytest.raises(RuntimeError, match="no model 'isa-9t'"):
        bpy.ops.isa.use_preset(name="x")
    assert snapshot() == before


def test_presets_that_were_kept_before_they_had_a_detail_are_of_the_models_own_canvas(addon, own_presets):
    own_presets.parent.mkdir()
    own_presets.write_text('{"version": 1, "presets": {"x": {"steps": 7, "guidance": 2}}}')
    bpy.ops.isa.use_preset(name="x")
    assert (addon.isa.steps, addon.isa.detail) == (7, 1)


def test_a_scene_that_was_saved_before_final_had_more_detail_keeps_what_it_had(addon, tmp_path):
    """Blender stores what was set alone: a scene with a cast and no detail had the 1 of all scenes then."""
    stage(addon)
    refresh_cast(addon)
    assert addon.isa.detail == 2
    addon.isa.property_unset("detail")
    file = str(tmp_path / "before.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    refresh_cast(bpy.context.scene)
    assert generation_settings(bpy.context.scene).height == 128
    bpy.ops.isa.use_preset(name="Final")
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=file)
    refresh_cast(bpy.context.scene)
    assert generation_settings(bpy.context.scene).height == 224


def test_a_new_scene_says_its_detail_as_soon_as_it_has_a_cast(addon, tmp_path):
    stage(addon)
    refresh_cast(addon)
    file = str(tmp_path / "new.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    refresh_cast(bpy.context.scene)
    assert presets.chosen(bpy.context.scene) == "Final"
    assert generation_settings(bpy.context.scene).height == 224
