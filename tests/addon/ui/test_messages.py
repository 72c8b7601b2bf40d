"""What there is to say under Generate takes a line until somebody wants more."""

from types import SimpleNamespace

import bpy
import pytest

from isa_blender_addon.engine.process import EngineStatus
from isa_blender_addon.engine.queue import Job
from isa_blender_addon.engine.snapshot import JobSnapshot
from isa_blender_addon.session.current import session
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.takes.take import HERE
from isa_blender_addon.ui.next_take import ISA_PT_generate
from isa_engine.errors import SceneError
from tests.addon.scenes.cast import add_person, stage
from tests.addon.ui.test_jobs import job_in, take_in


@pytest.fixture
def staged(scene, addon, monkeypatch):
    monkeypatch.setattr(session().engine, "status", lambda: EngineStatus("ready", "Engine: here."))
    stage(scene, frames=2)
    add_person("Ben").location.x = 1.0
    refresh_cast(scene)
    yield scene
    bpy.context.window_manager.isa_messages = False


class Lines:
    """A layout that counts the lines of a column, and keeps buttons and words."""

    def __init__(self, across: bool = False, whole: "Lines | None" = None):
        self.across, self.whole = across, whole or self
        if whole is None:
            self.count, self.words, self.buttons = 0, [], []

    def _add(self, words: str = "") -> SimpleNamespace:
        self.whole.count += not self.across
        self.whole.words.append(words)
        return SimpleNamespace()

    def row(self, align=False):
        self._add()
        return Lines(True, self.whole)

    def column(self, align=False):
        return Lines(self.across, self.whole)

    box = column

    def label(self, text="", **_):
        self._add(text)

    def prop(self, _data, _name, text="", **_):
        self._add(text)

    def operator(self, name, text="", **_):
        self.whole.buttons.append(name)
        return self._add(text)

    def progress(self, text="", **_):
        self._add(text)

    menu = separator = lambda self, *_, **__: self._add()


def generate_panel() -> Lines:
    lines = Lines()
    ISA_PT_generate.draw(SimpleNamespace(layout=lines), bpy.context)
    return lines


def test_whatever_is_to_be_said_takes_one_line_more_at_most(staged, monkeypatch, tmp_path):
    session().engine.health = None
    for member in staged.isa.cast:
        member.picture = str(tmp_path / "gone.png")
    found = generate_panel()
    monkeypatch.setattr(type(session()), "warnings", ())
    quiet = generate_panel()
    session().say("Scene-001 is on the camera.")
    said = generate_panel()
    monkeypatch.setattr(session().engine, "status", lambda: EngineStatus("failed", "It ended. " * 20))
    session().fail(SceneError("the reference picture of Anna is missing", remedy="Choose another one."))
    failed = generate_panel()
    assert len({found.count, said.count, failed.count}) == 1
    assert said.count == quiet.count + 1
    assert "It ended." in " ".join(failed.words), "what weighs most is what the line says"
    assert "3" in failed.words, "the engine, the picture, and what was said before"
    assert "Scene-001 is on the camera." in said.words


def test_a_click_shows_each_sentence_whole_and_every_button(staged, monkeypatch):
    assert {member.picture for member in staged.isa.cast} == {""}
    mends = {mend.operator for finding in session().warnings for mend in finding.mends}
    assert mends
    assert not mends & set(generate_panel().buttons)
    bpy.context.window_manager.isa_messages = True
    opened = generate_panel()
    assert mends <= set(opened.buttons)
    for name in ("Anna", "Ben"):
        assert name in " ".join(opened.words)
    monkeypatch.setattr(session().engine, "status", lambda: EngineStatus("failed", "It ended."))
    assert "isa.start_engine" in generate_panel().buttons


def test_a_failed_job_is_said_there_with_its_buttons_until_it_is_gone(staged, monkeypatch):
    bpy.context.window_manager.isa_messages = True
    failed = job_in("failed", JobSnapshot(error="The disk is full."), "/takes/Scene-002")
    monkeypatch.setattr(session(), "jobs", lambda: [failed])
    lines = generate_panel()
    assert "Scene-002 failed: The disk is full." in " ".join(lines.words)
    assert {"isa.retry_job", "isa.job_log", "isa.remove_job"} <= set(lines.buttons)
    monkeypatch.setattr(session(), "jobs", lambda: [])
    assert "failed" not in " ".join(generate_panel().words)


@pytest.mark.parametrize(("engine", "named"), [("gpu.example:80", "gpu.example:80"), (HERE, "this machine")])
def test_an_engine_that_does_not_answer_is_said_once_with_what_to_do(staged, monkeypatch, engine, named):
    bpy.context.window_manager.isa_messages = True
    takes = [take_in(f"/takes/Scene-00{number}", engine=engine) for number in (1, 2)]
    jobs = [Job(take, "lost", JobSnapshot("lost")) for take in takes]
    monkeypatch.setattr(session(), "jobs", lambda: jobs)
    lines = generate_panel()
    said = " ".join(lines.words)
    assert (said.count("as soon as it does"), named in said) == (1, True)
    assert "isa.choose_engine" in lines.buttons
    monkeypatch.setattr(session(), "jobs", lambda: [job_in("running", JobSnapshot("running"))])
    assert "answer" not in " ".join(generate_panel().words)


def test_the_line_of_a_failed_job_says_why_however_long_its_takes_name_is(staged, monkeypatch):
    folder = "/takes/A_scene_of_a_long_name-002"
    failed = job_in("failed", JobSnapshot(error="the disk is full. Free some space."), folder)
    monkeypatch.setattr(session(), "jobs", lambda: [failed])
    assert "disk is full" in " ".join(generate_panel().words)
