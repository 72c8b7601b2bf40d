"""From a scene in Blender to a plate in it, by open weights: random components of the real classes."""

import argparse
import json
from dataclasses import replace

import bpy
import pytest

from isa_blender_addon.headless.arguments import add_scene_arguments, configure
from isa_blender_addon.plate.camera_plane import planes
from isa_blender_addon.preflight import check_shot
from isa_blender_addon.preflight.glance import engine_seconds, glance
from isa_blender_addon.settings import models
from isa_blender_addon.settings.cast import prompts, references, refresh_cast
from isa_blender_addon.settings.presets import presets
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.takes.shown import show_results
from isa_engine import cli
from isa_engine.controls import pose_pictures
from isa_engine.models.vace import VACE
from isa_engine.pipeline import generate, load_model
from tests.addon.scenes.cast import stage
from tests.addon.scenes.shot import capture_shot
from tests.pipeline.vace.folders import write_tiny


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Added to this machine, and of a canvas that a processor paints in a moment."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(VACE, "short_side", 48)
    folder = write_tiny(tmp_path / "tiny-vace")
    assert cli.main(["model", "add", str(folder), "--accept-licence"]) == 0


@pytest.fixture
def tiny(added, addon):
    """Its name in the add-on, which looks for models when it is registered."""
    return "tiny-vace"


def test_a_scene_becomes_a_plate(scene, tiny, tmp_path):
    stage(scene, frames=5)
    refresh_cast(scene)
    assert bpy.ops.isa.use_model(model=tiny) == {"FINISHED"}
    assert models.chosen(scene).licence == "apache-2.0 (README.md)"
    scene.isa.prompt, scene.isa.cast[0].prompt, scene.isa.steps = "a street", "a red coat", 1
    assert not [finding for finding in glance(scene, None) if finding.serious]
    shot = capture_shot(scene, generation_settings(scene), references(scene), prompts(scene))
    assert (shot.settings.width % 16, shot.settings.height % 16) == (0, 0)
    assert not [found for found in check_shot(shot, models.chosen(scene)) if "bones" in found.text]
    assert next(iter(pose_pictures(shot, (shot.settings.width, shot.settings.height)))).any()
    shot = replace(shot, settings=replace(shot.settings, guidance=1.0))
    generate(shot, load_model(tiny, "cpu"), tmp_path / "results", lambda progress: None)
    show_results(scene, tmp_path / "results")
    (plane,) = planes(scene)
    image = plane.active_material.node_tree.nodes["Image Texture"].image
    assert image.frame_duration == 5
    # How long the next one takes is known from this one, and the button says so.
    assert scene.isa.last_results
    assert engine_seconds(scene, "cpu", None).keys() == {"denoise"}
    record = json.loads((tmp_path / "results" / "record.json").read_text())
    assert record["model"]["class"] == "WanVACEPipeline"
    assert record["settings"]["prompt"] == "a street"


def test_a_preset_is_the_models_own_and_draft_may_be_made_by_another(scene, tiny, tmp_path):
    def has(preset):
        assert presets.chosen(scene) == preset
        return scene.isa.model, scene.isa.steps, scene.isa.guidance, scene.isa.policy

    assert has("Final")[0] == "isa-tiny"
    assert bpy.ops.isa.use_model(model=tiny) == {"FINISHED"}
    assert has("Final") == (tiny, 30, 5, "exact")
    bpy.ops.isa.use_preset(name="Draft")
    assert has("Draft") == (tiny, 10, 5, "exact")
    quick = "--name", "quick", "--draft-of", tiny, "--few-steps", "4", "--accept-licence"
    assert cli.main(["model", "add", str(tmp_path / tiny), *quick]) == 0
    models.look()
    bpy.ops.isa.use_preset(name="Draft")
    assert has("Draft") == ("quick", 4, 1, "exact")
    bpy.ops.isa.use_preset(name="Exact")
    assert has("Exact") == (tiny, 50, 5, "exact")
    # A command line wishes the same.
    parser = argparse.ArgumentParser()
    add_scene_arguments(parser)
    configure(scene, parser.parse_args(["--model", "isa-tiny", "--preset", "Final"]))
    assert has("Final")[0] == "isa-tiny"
    painted = "--one-by-one", "--painted", "boxes"
    configure(scene, parser.parse_args(["--model", tiny, "--preset", "Draft", *painted]))
    assert has("Draft")[0] == "quick"
    assert generation_settings(scene).one_by_one
    assert generation_settings(scene).painted == "boxes"
    configure(scene, parser.parse_args(["--model", tiny, "--preset", "Exact"]))
    # Numbers of one's own stay where the model is another.
    scene.isa.steps = 7
    assert bpy.ops.isa.use_model(model="isa-tiny") == {"FINISHED"}
    assert has("") == ("isa-tiny", 7, 5, "exact")
