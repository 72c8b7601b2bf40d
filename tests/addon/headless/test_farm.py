"""The open scene as a bundle for a render farm."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from isa_blender_addon.headless import farm
from isa_blender_addon.operators.kinds.reading import ReadingOperator
from isa_blender_addon.operators.shot import write_farm_bundle
from isa_blender_addon.session.current import session
from isa_blender_addon.settings import models
from isa_engine.models import KINDS
from isa_engine.shot import read_shot
from tests.addon.scenes.cast import stage
from tests.pipeline import discs

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def blend(scene, tmp_path) -> Path:
    stage(scene, frames=3)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "dance.blend"))
    return tmp_path / "dance.blend"


def test_takes_of_the_scene_differ_in_their_seeds_alone(blend, tmp_path):
    out = tmp_path / "bundle"
    assert farm.main(["--out", str(out), "--takes", "2", "--seed", "7", "--span", "16"]) == 0
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


def test_a_bundle_may_go_on_from_a_take(blend, tmp_path, capsys):
    assert farm.main(["--out", str(tmp_path / "bundle")]) == 0
    take = tmp_path / "take"
    take.mkdir()
    (tmp_path / "bundle/shots/dance.npz").rename(take / "shot.npz")
    height, width = (side // 8 for side in (read_shot(take / "shot.npz").settings.height, 128))
    np.save(take / "latents.npy", np.ones((16, 2, height, width), np.float32))
    made_of = hashlib.sha256((take / "shot.npz").read_bytes()).hexdigest()
    record = {"model": {"weights": "painted"}, "shot": {"sha256": made_of}}
    (take / "record.json").write_text(json.dumps(record))
    bpy.context.scene.frame_end += 8
    assert farm.main(["--out", str(tmp_path / "longer"), "--of", str(take), "--takes", "2"]) == 0
    for path in (tmp_path / "longer/shots").iterdir():
        assert read_shot(path).kept.again.tolist() == [False, True, True, True]
    assert farm.main(["--out", str(tmp_path / "none"), "--remake", "changed"]) == 1
    assert "Give its folder with --of." in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_it_is_of_the_model_that_the_command_names(blend, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    models.look()
    out = tmp_path / "bundle"
    assert farm.main(["--out", str(out), "--model", "discs", "--prompt", "rain"]) == 0
    (shot,) = (read_shot(path) for path in (out / "shots").iterdir())
    assert (shot.settings.model, shot.settings.prompt) == ("discs", "rain")
    assert min(shot.settings.width, shot.settings.height) == 48
    assert farm.main(["--out", str(tmp_path / "other"), "--model", "squares"]) == 1
    assert "there is no model 'squares' here" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_without_a_camera_there_is_no_bundle_and_a_reason(blend, scene, tmp_path, capsys):
    scene.camera = None
    assert farm.main(["--out", str(tmp_path / "bundle")]) == 1
    assert "camera" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_a_bundles_folder_that_cannot_be_written_is_said_before_a_frame_is_read(blend, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert farm.main(["--out", str(tmp_path / "file" / "bundle")]) == 1
    told = capsys.readouterr()
    assert f"cannot write: '{tmp_path / 'file'}' is a file" in told.err
    assert "reading" not in told.out


def test_the_button_writes_what_the_command_writes(blend, tmp_path):
    assert farm.main(["--out", str(tmp_path / "command"), "--takes", "2", "--seed", "7", "--span", "16"]) == 0
    bpy.context.scene.isa.seed = 7
    button = tmp_path / "Käse 'n\" 影"
    assert bpy.ops.isa.write_farm_bundle(directory=str(button), takes=2, span=16) == {"FINISHED"}
    files = {path.relative_to(button) for path in button.rglob("*") if path.is_file()}
    assert files == {
        path.relative_to(tmp_path / "command") for path in (tmp_path / "command").rglob("*") if path.is_file()
    }
    for name in ("template.json", "shots/dance-7.npz", "shots/dance-8.npz"):
        assert (button / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
    assert session().note == f"2 takes are in the bundle. Run it: openjd run {button / 'template.json'}"
    assert not session().busy


def test_what_keeps_the_button_from_it_is_said_and_nothing_is_left(blend, scene, tmp_path):
    """A folder that is a file; a scene without a camera."""
    (tmp_path / "file").touch()
    for wrong, why in (
        ("", "No folder is chosen"),
        (" ", "No folder"),
        (str(tmp_path / "file"), "is a file"),
    ):
        with pytest.raises(RuntimeError, match=why):
            bpy.ops.isa.write_farm_bundle(directory=wrong)
        # It is said before a frame is read.
        assert session().reading is None
    scene.camera = None
    with pytest.raises(RuntimeError, match="camera"):
        bpy.ops.isa.write_farm_bundle(directory=str(tmp_path / "bundle"))
    assert not (tmp_path / "bundle").exists()
    assert not session().busy


def test_an_unsaved_scene_goes_to_the_farm_under_its_own_name(scene, tmp_path):
    stage(scene, frames=3)
    scene.name = "Käse 'n\" wine"
    assert bpy.ops.isa.write_farm_bundle(directory=str(tmp_path / "bundle")) == {"FINISHED"}
    (shot,) = (tmp_path / "bundle/shots").iterdir()
    assert shot.suffix == ".npz"


def test_from_a_window_the_scene_is_read_while_blender_goes_on(blend, tmp_path):
    cls = write_farm_bundle.ISA_OT_write_farm_bundle
    manager = SimpleNamespace(
        fileselect_add=lambda _: None,
        event_timer_add=lambda *_, **__: "timer",
        event_timer_remove=lambda _: None,
        modal_handler_add=lambda _: None,
    )
    context = SimpleNamespace(window_manager=manager, window=None, scene=bpy.context.scene)
    options = {"takes": 1, "gpus": 0, "os": "linux", "span": 64, "untrained": False}
    # Blender alone makes an operator of its own class; its methods are all that a window calls.
    own = {name: vars(cls)[name] for name in ("read", "invoke", "execute")}
    operator = type("Opened", (ReadingOperator,), {**own, **options, "report": print})()
    operator.directory = str(tmp_path / "bundle")
    assert operator.invoke(context, None) == {"RUNNING_MODAL"}
    assert operator.execute(context) == {"RUNNING_MODAL"}
    assert session().busy
    assert not (tmp_path / "bundle").exists()
    while (state := operator.modal(context, SimpleNamespace(type="TIMER"))) == {"PASS_THROUGH"}:
        pass
    assert state == {"FINISHED"}
    assert (tmp_path / "bundle/template.json").is_file()
