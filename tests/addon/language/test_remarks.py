"""What the panel says belongs to its scene and its moment."""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.session.current import close, session
from isa_blender_addon.ui.sentence import sentence
from tests.addon import fake_engine
from tests.addon.fake_engine import FAST
from tests.addon.scenes.cast import add_person, stage
from tests.service.running import eventually


@pytest.fixture
def shot(scene, tmp_path, monkeypatch, addon):
    monkeypatch.setattr(process, "ENGINE", fake_engine.COMMAND)
    monkeypatch.setenv("ISA_ENGINE_PYTHON", sys.executable)
    stage(scene, frames=2)
    bpy.ops.isa.refresh_cast()
    scene.isa.folder = str(tmp_path / "takes")
    scene.isa.steps, scene.isa.seed = 2, FAST
    return scene


def finish() -> None:
    def idle() -> bool:
        session().tick()
        return not session().jobs() and not session().queue.arrived()

    eventually(idle, "the plate is there")
    session().tick()


def test_a_plate_is_on_the_camera_until_that_is_undone(shot):
    bpy.ops.ed.undo_push(message="staged")
    bpy.ops.isa.generate()
    finish()
    assert session().note == "Scene-001 is on the camera."
    bpy.ops.ed.undo()
    assert session().note == ""
    bpy.ops.ed.redo()
    assert session().note == "Scene-001 is on the camera."


def test_another_scene_hears_nothing_of_it(shot):
    bpy.ops.isa.check_shot()
    assert "in the frames stands in the way" in session().note
    other = bpy.data.scenes.new("Other")
    bpy.context.window.scene = other
    assert (session().note, session().error, session().findings) == ("", "", ())
    bpy.context.window.scene = shot
    assert "in the frames stands in the way" in session().note


def test_another_file_hears_nothing_of_it_though_its_scene_has_the_same_number(shot, tmp_path):
    bpy.ops.isa.check_shot()
    assert "in the frames stands in the way" in session().note
    number = shot.session_uid
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert session().note == ""
    session().say("That was another.", bpy.context.scene)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert session()._sentences.note(SimpleNamespace(session_uid=number)) == ""
    assert session().reading is None


def test_what_was_found_of_a_character_goes_with_it(shot):
    ben = add_person("Ben")
    ben.location = 40, 0, 0
    bpy.ops.isa.refresh_cast()
    bpy.ops.isa.check_shot()
    assert any("Ben" in finding.sentence for finding in session().findings)
    bpy.data.objects.remove(ben)
    bpy.ops.isa.refresh_cast()
    assert not any("Ben" in finding.sentence for finding in session().findings)


def test_a_well_staged_shot_is_none_any_more_when_its_cast_changes(shot):
    bpy.ops.isa.check_shot()
    shot.isa.cast[0].include = False
    assert session().note == ""


def test_an_error_goes_when_it_is_mended(shot, tmp_path):
    picture = tmp_path / "anna.png"
    shot.isa.cast[0].picture = str(picture)
    with pytest.raises(RuntimeError, match="Cannot read"):
        bpy.ops.isa.generate()
    assert "cannot read" in session().error
    bpy.data.images.new("anna", 8, 8).save(filepath=str(picture))
    assert session().error == "", "the picture is there now"
    camera, shot.camera = shot.camera, None
    with pytest.raises(RuntimeError, match="no active camera"):
        bpy.ops.isa.generate()
    shot.camera = camera
    assert session().error == ""


def test_an_error_of_the_engine_goes_when_another_is_chosen(shot, monkeypatch, tmp_path):
    monkeypatch.delenv("ISA_ENGINE_PYTHON")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    close()
    with pytest.raises(RuntimeError, match="No engine on this machine"):
        bpy.ops.isa.generate()
    assert "No engine" in session().error
    shot.frame_end = 3
    assert "No engine" in session().error, "that does not mend it"
    monkeypatch.setenv("ISA_ENGINE_PYTHON", sys.executable)
    close()
    assert session().error == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("the engine does not answer (http://gpu)", "The engine does not answer (http://gpu)"),
        ("plate.mp4 does not come whole", "plate.mp4 does not come whole"),
        ("isa-tiny is untrained", "isa-tiny is untrained"),
        ("the footage is missing", "The footage is missing"),
        ("épée", "Épée"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_and_a_name_as_it_is(text, line):
    layout = MagicMock()
    context = SimpleNamespace(
        region=SimpleNamespace(width=900), preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1))
    )
    sentence(context, layout, text)
    drawn = [call.kwargs["text"] for call in layout.column.return_value.label.call_args_list]
    assert drawn == ([line] if line else [])
