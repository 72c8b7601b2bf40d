"""The open scene as a bundle for a render farm."""

import json
from pathlib import Path

import bpy
import pytest

import isa_blender_addon
from isa_blender_addon import farm
from isa_engine.shot import read_shot
from tests.addon.scenes.cast import stage


@pytest.fixture(scope="module", autouse=True)
def addon():
    isa_blender_addon.register()
    yield
    isa_blender_addon.unregister()


@pytest.fixture
def blend(scene, tmp_path) -> Path:
    stage(scene, frames=3)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "dance.blend"))
    return tmp_path / "dance.blend"


def test_takes_of_the_scene_differ_in_their_seeds_alone(blend, tmp_path):
    out = tmp_path / "bundle"
    assert farm.main(["--out", str(out), "--takes", "2", "--seed", "7", "--window", "16"]) == 0
    shots = {seed: read_shot(out / "shots" / f"dance-{seed}.npz") for seed in (7, 8)}
    assert all(shot.settings.seed == seed for seed, shot in shots.items())
    assert (shots[7].camera_to_world == shots[8].camera_to_world).all()
    template = json.loads((out / "template.json").read_text())
    (parameter,) = template["steps"][0]["parameterSpace"]["taskParameterDefinitions"]
    assert parameter["range"] == "0-1"
    assert json.loads((out / "flamenco.json").read_text())["settings"]["takes"] == 2


def test_one_take_is_called_as_the_file(blend, tmp_path):
    assert farm.main(["--out", str(tmp_path / "bundle")]) == 0
    assert [path.name for path in (tmp_path / "bundle/shots").iterdir()] == ["dance.npz"]


def test_without_a_camera_there_is_no_bundle_and_a_reason(blend, scene, tmp_path, capsys):
    scene.camera = None
    assert farm.main(["--out", str(tmp_path / "bundle")]) == 1
    assert "camera" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()
