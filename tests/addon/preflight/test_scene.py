"""Preflight in a scene: findings in the panel, buttons that mend, a job held until the artist says so."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import bpy
import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.headless import generate as headless
from isa_blender_addon.operators.kinds import reading
from isa_blender_addon.operators.shot import generate
from isa_blender_addon.preflight import glance as glancing
from isa_blender_addon.preflight.glance import _paces, engine_seconds, glance
from isa_blender_addon.session.current import close, session
from isa_blender_addon.settings import models
from isa_blender_addon.settings.cast import cast_picture, playing, refresh_cast
from isa_blender_addon.ui.next_take import ISA_PT_generate
from isa_engine.client.protocol import Health, Memory
from isa_engine.configuration import model_config
from isa_engine.configuration.policies import POLICIES
from isa_engine.cost import generation
from isa_engine.errors import EngineError, SceneError
from isa_engine.geometry.frames import Made
from isa_engine.models import KINDS, describe
from tests.addon import fake_engine, modal
from tests.addon.drawn import drawn
from tests.addon.modal import Window
from tests.addon.scenes.cast import add_person, random_motion, stage
from tests.addon.scenes.snapshot import snapshot
from tests.pipeline import discs
from tests.pipeline.shots import picture


@pytest.fixture
def staged(addon, scene, tmp_path):
    """Anna with a picture of the camera's shape, all well."""
    stage(scene, frames=4)
    scene.camera.animation_data_clear()
    (tmp_path / "anna.png").write_bytes(picture(160, 90))
    cast_picture(scene, str(tmp_path / "anna.png"))
    yield scene
    close()


def sentences(scene) -> list[str]:
    return [finding.sentence for finding in (*glance(scene, None), *session().findings)]


def press(finding, operator: str) -> None:
    """Click a finding's button."""
    mend = next(mend for mend in finding.mends if mend.operator == operator)
    group, name = operator.split(".")
    bpy.ops.ed.undo_push(message="before")
    assert getattr(getattr(bpy.ops, group), name)("EXEC_DEFAULT", True, **mend.values) == {"FINISHED"}


def check(scene) -> tuple:
    bpy.ops.isa.check_shot()
    return session().findings


def test_a_well_staged_shot_says_so_and_stays_as_it_was(staged):
    before = snapshot()
    assert check(staged) == ()
    assert sentences(staged) == []
    assert "good plate" in session().note
    assert not session().busy
    assert snapshot() == before


def test_a_check_of_good_frames_does_not_say_that_all_is_well_above_a_warning(staged):
    staged.isa.cast[0].picture = ""
    assert check(staged) == ()
    assert sentences(staged)
    assert session().note == "Beside this, nothing in the frames stands in the way."


def test_who_stands_in_another_is_moved_apart_by_the_button_and_undo_moves_back(staged):
    ben = add_person("Ben", random_motion(seed=5))
    ben.location = 0.05, 0.03, 0
    for armature in (staged.objects["Anna"], ben):
        armature.scale = 3, 3, 3
    refresh_cast(staged)
    (deep,) = [found for found in check(staged) if "inside each other" in found.sentence]
    press(deep, "isa.move_apart")
    assert deep not in session().findings
    assert ben.location[:] == pytest.approx((0.05, 0.03, 0))
    assert ben.delta_location.length > 0.05
    assert not [found for found in check(staged) if "inside each other" in found.sentence]
    bpy.ops.ed.undo()
    assert bpy.data.objects["Ben"].delta_location.length == 0


def test_who_is_never_seen_can_be_left_out(staged):
    add_person("Ben").location = 40, 0, 0
    refresh_cast(staged)
    (gone,) = [found for found in check(staged) if "Ben" in found.sentence]
    press(gone, "isa.leave_out")
    assert [member.character.name for member in playing(staged)] == ["Anna"]
    assert session().findings == ()


def test_show_goes_to_the_frame_and_selects_the_character(staged):
    anna = staged.objects["Anna"]
    for frame, x in ((1, 0.0), (2, 0.0), (3, 60.0)):
        anna.location.x = x
        anna.keyframe_insert("location", frame=frame)
    (gone,) = check(staged)
    press(gone, "isa.show_frame")
    assert staged.frame_current == 3
    assert bpy.context.view_layer.objects.active == anna


def test_a_range_that_is_too_long_is_shortened(staged):
    staged.frame_end = model_config(staged.isa.model).max_frames + 3
    (found,) = glance(staged, None)
    press(found, "isa.shorten_range")
    assert staged.frame_end == model_config(staged.isa.model).max_frames
    assert glance(staged, None) == []
    staged.frame_end = model_config(staged.isa.model).max_frames + 3
    press(glance(staged, None)[0], "isa.shorten_range")


def test_an_untrained_model_is_left_for_a_trained_one(staged):
    models.report(
        SimpleNamespace(name=name, kind="isa", facts={"state": state})
        for name, state in (("isa-tiny", "untrained"), ("isa-small", "here"))
    )
    (found,) = glance(staged, None)
    press(found, "isa.use_model")
    assert staged.isa.model == "isa-small"
    assert glance(staged, None) == []
    models.report(None)


def test_a_shot_is_measured_by_the_memory_that_the_engine_reports(staged):
    def health(gibibytes: float) -> Health:
        memory = Memory(int(gibibytes * 2**30), int(gibibytes * 2**30))
        return Health("1", "ready", "cuda:0", memory, 2**30, ())

    staged.isa.model = "isa-4b"
    assert glance(staged, health(80)) == []
    (found,) = glance(staged, health(8))
    assert found.sentence.endswith("and the engine has 8.0 GiB.")
    press(found, "isa.use_model")
    assert glance(staged, health(8)) == []


def test_a_missing_picture_is_chosen(staged, tmp_path):
    staged.isa.cast[0].picture = ""
    (found,) = glance(staged, None)
    assert found.mends[0].operator == "isa.choose_picture"
    bpy.ops.isa.choose_picture(filepath=str(tmp_path / "anna.png"), character="Anna")
    assert glance(staged, None) == []
    add_person("Ben")
    add_person("Cleo")
    refresh_cast(staged)
    (found,) = glance(staged, None)
    bpy.ops.isa.choose_picture(filepath=str(tmp_path / "anna.png"), **found.mends[0].values)
    assert {member.picture for member in staged.isa.cast} == {str(tmp_path / "anna.png")}
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(RuntimeError, match="no picture that Blender can open"):
        bpy.ops.isa.choose_picture(filepath=str(tmp_path / "notes.png"), character="Anna")
    assert staged.isa.cast[0].picture == str(tmp_path / "anna.png")


@pytest.mark.parametrize("there", [True, False])
def test_a_picture_that_cannot_be_opened_is_named_before_a_frame_is_read(staged, tmp_path, there):
    if there:
        (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(3000))
    staged.isa.cast[0].picture = str(tmp_path / "phone.heic")
    (finding,) = glance(staged, None)
    # What is wrong first: a sidebar shows the beginning of it.
    assert finding.sentence.startswith("Anna's picture is missing, damaged or nothing that Blender opens, '")
    assert finding.sentence.endswith("phone.heic': choose a PNG or JPEG.")
    assert finding.serious
    assert [mend.operator for mend in finding.mends] == ["isa.choose_picture"]


def test_a_picture_of_another_shape_is_named(staged, tmp_path):
    (tmp_path / "tall.png").write_bytes(picture(90, 160))
    staged.isa.cast[0].picture = str(tmp_path / "tall.png")
    (found,) = glance(staged, None)
    assert "90×160" in found.sentence


@pytest.fixture
def clicked(staged, monkeypatch, tmp_path):
    """Generate by its button, to an engine that only counts what it gets."""
    sent = []
    monkeypatch.setattr(reading.session().__class__, "start_engine", lambda self: None)
    monkeypatch.setattr(
        reading.session().__class__, "submit", lambda self, scene, shot, take: sent.append(shot)
    )
    staged.isa.folder = str(tmp_path / "takes")

    def click(anyway: bool = False) -> None:
        window = Window(staged)
        life = modal.clicked(generate.ISA_OT_generate, window, anyway=anyway)
        while window.timers:
            modal.event(life, window)

    return click, sent


def test_a_serious_finding_holds_the_job_until_the_artist_says_anyway(staged, clicked, tmp_path):
    click, sent = clicked
    add_person("Ben").location = 40, 0, 0
    refresh_cast(staged)
    click()
    assert sent == []
    assert session().held
    assert not session().busy
    assert list((tmp_path / "takes").iterdir()) == []
    assert "Ben is out of the frame" in " ".join(drawn(ISA_PT_generate))
    click(anyway=True)
    assert len(sent) == 1
    assert not session().held


def test_what_a_glance_finds_serious_holds_the_job_before_a_frame_is_read(clicked, tmp_path, monkeypatch):
    click, sent = clicked
    monkeypatch.setattr(glancing, "machine_memory", lambda: 1e6)
    click()
    assert sent == []
    assert session().held
    assert not session().busy
    assert session().findings == ()
    assert not (tmp_path / "takes").exists()
    assert "memory" in " ".join(drawn(ISA_PT_generate))
    click(anyway=True)
    assert len(sent) == 1
    click()
    assert len(sent) == 1
    monkeypatch.setattr(glancing, "machine_memory", lambda: 1e12)
    assert not session().held
    click()
    assert len(sent) == 2


def test_the_command_reads_no_frame_where_a_glance_finds_something_serious(command, monkeypatch, capsys):
    monkeypatch.setattr(glancing, "machine_memory", lambda: 1e6)
    with pytest.raises(SceneError, match=r"not generated: .*memory.*give --anyway"):
        command(anyway=False)
    assert "reading" not in capsys.readouterr().out


def test_a_mended_shot_leaves_at_once(staged, clicked):
    click, sent = clicked
    add_person("Ben").location = 40, 0, 0
    refresh_cast(staged)
    click()
    press(session().findings[0], "isa.leave_out")
    assert not session().held
    click()
    assert len(sent) == 1


def test_the_engines_time_is_known_once_its_device_is(staged):
    assert engine_seconds(staged, "", None) == {}
    quick = engine_seconds(staged, "cpu", None)
    assert set(quick) == {"encode", "denoise", "decode"}
    staged.isa.steps *= 4
    assert engine_seconds(staged, "cpu", None)["denoise"] > 2 * quick["denoise"]


@pytest.fixture
def command(staged, tmp_path, monkeypatch):
    """What ``isa_generate`` does with the scene, as far as the engine."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    monkeypatch.setattr(process, "ENGINE", fake_engine.COMMAND)
    monkeypatch.setenv("ISA_ENGINE_PYTHON", sys.executable)
    scene_wishes = "reference", "model", "prompt", "negative_prompt", "one_by_one", "steering", "painted"
    others = "preset", "steps", "guidance", "seed", "policy", "detail", "engine", "of", "remake"
    wishes = dict.fromkeys((*scene_wishes, *others))

    def run(anyway: bool):
        arguments = SimpleNamespace(out=tmp_path / "out", anyway=anyway, in_place=False, **wishes)
        return headless.generate(bpy.context.scene, arguments, SimpleNamespace(is_set=lambda: False))

    return run


def test_the_command_prints_the_findings(staged, command, monkeypatch, capsys):
    staged.isa.model, staged.frame_end = "isa-small", 60
    monkeypatch.setattr(headless, "follow_job", _refuse)
    with pytest.raises(EngineError):
        command(anyway=False)
    assert "warning: 60 frames: isa-small was tried with" in capsys.readouterr().out


def test_the_command_holds_a_shot_with_a_serious_finding_until_it_is_told_anyway(staged, command, tmp_path):
    add_person("Ben").location = 40, 0, 0
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "plate.mp4").write_text("of an older take")
    with pytest.raises(SceneError, match=r"not generated: Ben is out of the frame.*give --anyway"):
        command(anyway=False)
    assert (tmp_path / "out" / "plate.mp4").read_text() == "of an older take"
    assert command(anyway=True) == tmp_path / "out" / "shot-plate.blend"


def _refuse(*_):
    raise EngineError("enough")


def test_a_plate_of_which_a_part_was_made_again_tells_the_pace_of_that_part(tmp_path):
    model = describe("isa-tiny")
    whole = generation.Work(241, 128, 128, 2, 16, 2.5, POLICIES["forecast"])
    part = replace(whole, made=(Made(241, 19, 26),))
    shot = {"frame_numbers": list(range(241)), "cuts": [], "characters": ["Anna", "Ben"]}
    settings = {"width": 128, "height": 128, "steps": 16, "guidance": 2.5, "policy": "forecast"}
    record = {"model": {"name": "isa-tiny"}, "shot": shot, "settings": settings}
    for name, work, kept in (("whole", whole, {}), ("part", part, {"kept": {"again": [[73, 100]]}})):
        # At a billion operations a second.
        spent = {phase: count / 1e9 for phase, count in model.operations(work).items()}
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_text(json.dumps({**record, **kept, "seconds": spent}))
        assert _paces(str(tmp_path / name), model) == pytest.approx(dict.fromkeys(spent, 1e9))


def test_boxes_that_fill_the_picture_are_told_and_a_click_paints_bodies(staged, monkeypatch):
    described = discs.Described(painted=("mask", "boxes"))
    monkeypatch.setitem(KINDS, "discs", replace(discs.KIND, describe=lambda name: described))
    models.look()
    staged.isa.model = "discs"
    staged.isa.painted, staged.isa.background = "boxes", "RENDER"
    staged.camera.data.lens *= 6
    (found,) = (found for found in check(staged) if "Boxes" in found.text)
    press(found, "isa.paint_bodies")
    assert staged.isa.painted == "mask"
    assert not [found for found in session().findings if "Boxes" in found.text]
    assert not [found for found in check(staged) if "Boxes" in found.text]
    staged.isa.painted, staged.isa.background = "boxes", "NONE"
    assert not [found for found in check(staged) if "Boxes" in found.text]
    monkeypatch.undo()
    models.look()
