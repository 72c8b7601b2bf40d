"""The panels of jobs and takes: each line useful, and drawn from what is known."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import pytest

from isa_blender_addon.engine.process import EngineStatus
from isa_blender_addon.engine.queue import Job
from isa_blender_addon.engine.snapshot import JobSnapshot
from isa_blender_addon.session.current import session
from isa_blender_addon.takes.take import Take
from isa_blender_addon.ui import bar, engine, thumbnails
from isa_blender_addon.ui import jobs as jobs_panel
from isa_blender_addon.ui import takes as takes_panel
from isa_blender_addon.ui.sentence import drawn_width
from isa_engine.client import EngineClient
from isa_engine.client.protocol import Health
from isa_engine.shot import Settings
from tests.pipeline.shots import picture


def drawn(panel) -> tuple[MagicMock, str]:
    """A panel's layout, and the words on it; each call on a part is one on the whole."""
    layout = MagicMock()
    for part in ("row", "column", "box", "split"):
        getattr(layout, part).return_value = layout
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    calls = layout.label.call_args_list + layout.operator.call_args_list + layout.progress.call_args_list
    return layout, " | ".join(str(call.kwargs.get("text", "")) for call in calls)


def take_in(folder: str, **changes) -> Take:
    return Take(Path(folder), "s", "", "Scene", (1, 121, 1), Settings(), **changes)


def job_in(state: str, snapshot: JobSnapshot, folder="/takes/Scene-001") -> Job:
    return Job(take_in(folder, engine="gpu.example:8000"), state, snapshot)


def test_the_panel_says_how_far_each_job_is(addon, monkeypatch):
    jobs = [
        job_in("running", JobSnapshot("running", "j", "denoise", 12, 30), "/takes/Scene-004"),
        job_in("uploading", JobSnapshot("uploading", step=2**20, steps=2**22), "/takes/Scene-005"),
        job_in("lost", JobSnapshot("lost")),
        job_in(
            "held", JobSnapshot("held", "j", error="The engine's disk is full.", comment="not before noon")
        ),
        job_in("waiting", JobSnapshot(), "/takes/Scene-002"),
        job_in("waiting", JobSnapshot(), "/takes/Scene-003"),
        job_in("failed", JobSnapshot(error="The engine is full. Free some space.")),
        job_in("elsewhere", JobSnapshot()),
    ]
    monkeypatch.setattr(session(), "jobs", lambda: jobs)
    monkeypatch.setattr(session().courses, "of", courses_of(jobs))
    layout, words = drawn(jobs_panel.ISA_PT_jobs)
    for expected in (
        "1–121 · Scene-004",
        "Denoising 12/30 · 1:40 left",
        "Sending the shot 1.0/4.0 MB",
        "No answer",
        "On Hold",
        "Not before noon",
        "1–121 · Scene-002 | Waiting · 1:40 left",
        "The engine's disk is full.",
        "The engine gpu.example:8000",
    ):
        assert expected in words
    assert "No answer ·" not in words, "nobody knows how long it takes"
    assert [call.kwargs["factor"] for call in layout.progress.call_args_list] == [0.25, 0.25]
    buttons = [call.args[0] for call in layout.operator.call_args_list]
    counts = Counter(buttons)
    # Those that the engine has: one runs, one is held; what failed has a log, too.
    assert counts == {
        **{"isa.cancel_job": 6, "isa.move_job": 4, "isa.retry_job": 2, "isa.remove_job": 2},
        **{"isa.hold_job": 2, "isa.change_job": 2, "isa.job_log": 3},
    }


@pytest.mark.parametrize("state", ["waiting", "queued", "failed"])
def test_a_long_name_keeps_its_number_beside_the_buttons(addon, monkeypatch, state):
    folder = "/takes/SH0420_Kitchen_Argument_Night-{:03}"
    jobs = [job_in(state, JobSnapshot(state), folder.format(number)) for number in (7, 8)]
    monkeypatch.setattr(session(), "jobs", lambda: jobs)
    monkeypatch.setattr(session().courses, "of", courses_of(jobs))
    layout, _ = drawn(jobs_panel.ISA_PT_jobs)
    names = [text for call in layout.label.call_args_list if "…" in (text := call.kwargs["text"])]
    assert [(text[:5], text[-4:]) for text in names] == [("1–121", "-007"), ("1–121", "-008")]
    # As much as Blender shows of a line in a sidebar as narrow as it is at first, of 280 pixels.
    assert all(drawn_width(bpy.context, text) < 7 for text in names)


def test_takes_of_a_long_name_are_compared_by_their_numbers(addon, monkeypatch):
    names = ["SH0420_Kitchen_Argument_Night-007", "SH0420_Kitchen_Argument_Night-008"]
    takes = [take_in(f"/gone/{name}", state="done") for name in names]
    monkeypatch.setattr(takes_panel, "_takes", lambda scene: takes)
    monkeypatch.setattr(takes_panel, "shown_folder", lambda scene: takes[0].folder)
    monkeypatch.setattr(takes_panel, "other_folder", lambda scene: takes[1].folder)
    layout, _ = drawn(takes_panel.ISA_PT_takes)
    (text,) = (
        call.kwargs["text"] for call in layout.operator.call_args_list if call.args[0] == "isa.compare_takes"
    )
    one, other = text.split(" | ")
    assert (one[:5], one[-4:], other[-4:]) == ("A|B: ", "-007", "-008")
    # Of 280 pixels, less the icon and what is beside the button.
    assert drawn_width(bpy.context, text) < 10.2


def courses_of(jobs: list[Job]):
    """What has gone a quarter of its way, with 100 seconds left, of each job that goes on."""
    courses = {job.take.folder: SimpleNamespace(left=100.0, factor=0.25) for job in jobs if not job.stopped}
    return courses.get


def bars() -> list[tuple[str, float]]:
    """The bar in the panel, then in the status bar: text, and how far."""
    found = []
    for draw in (lambda layout: bar.draw_bar(layout), lambda layout: in_status_bar(layout)):
        layout = MagicMock()
        layout.row.return_value = layout
        draw(layout)
        found += [(call.kwargs["text"], call.kwargs["factor"]) for call in layout.progress.call_args_list]
    return found


def in_status_bar(layout) -> None:
    bpy.types.STATUSBAR_HT_header._dyn_ui_initialize()[-1](SimpleNamespace(layout=layout), bpy.context)


def test_one_bar_shows_what_comes_next_in_the_panel_and_in_the_status_bar(addon, monkeypatch):
    assert bars() == []
    jobs = [
        job_in("cancelled", JobSnapshot("cancelled")),
        job_in("running", JobSnapshot("running", "j", "decode", 2, 9), "/takes/Scene-002"),
        job_in("queued", JobSnapshot("queued"), "/takes/Scene-003"),
    ]
    monkeypatch.setattr(session().queue, "jobs", lambda: jobs)
    monkeypatch.setattr(session().courses, "of", courses_of(jobs))
    text = "Painting frames 2/9 · 1:40 left"
    assert bars() == [(text, 0.25), (f"Scene-002 · {text}", 0.25)]
    course = SimpleNamespace(left=3700.0, factor=0.01)
    reading = SimpleNamespace(over=False, progress=("background", 3, 9), course=course, cancel=lambda: None)
    monkeypatch.setattr(session(), "reading", reading)
    assert bars() == 2 * [("Background 3 of 9 · 61:40 left", 0.01)]


def test_the_buttons_ask_the_engine_that_has_the_job(addon, monkeypatch, tmp_path):
    job = job_in("running", JobSnapshot("running", "j", priority=3, comment="soon"), str(tmp_path))
    asked = []
    monkeypatch.setattr(session().queue, "jobs", lambda: [job])
    monkeypatch.setattr(
        session().queue, "order", lambda folder, order: (asked.append(folder), order(engine, "j"))
    )
    engine = MagicMock()
    monkeypatch.setattr(EngineClient, "hold", lambda client, job: client.hold(job))
    monkeypatch.setattr(EngineClient, "resume", lambda client, job: client.resume(job))
    bpy.ops.isa.hold_job(take=str(tmp_path))
    bpy.ops.isa.hold_job(take=str(tmp_path), resume=True)
    bpy.ops.isa.change_job(take=str(tmp_path), priority=7, comment="later")
    assert [call[0] for call in engine.method_calls] == ["hold", "resume", "change"]
    engine.change.assert_called_once_with("j", priority=7, comment="later")
    assert asked == [tmp_path] * 3


def test_a_jobs_log_opens_as_a_text(addon, monkeypatch, tmp_path):
    (tmp_path / "log.txt").write_text("attempt 1 begins")
    timers = []
    monkeypatch.setattr(bpy.app.timers, "register", lambda look, **_: timers.append(look), raising=False)
    monkeypatch.setattr(session().queue, "order", lambda folder, order: False)
    assert bpy.ops.isa.job_log(take=str(tmp_path)) == {"FINISHED"}
    assert timers[-1]() is None
    assert bpy.data.texts[tmp_path.name].as_string() == "attempt 1 begins"
    assert bpy.ops.isa.job_log(take=str(tmp_path / "none")) == {"CANCELLED"}


@pytest.mark.parametrize(("worker", "shown"), [("ready", True), ("starting", False)])
def test_the_engines_panel_says_why_no_job_begins(addon, monkeypatch, worker, shown):
    health = Health("0", worker, "cuda", None, 1, (), "The engine's disk is full. Free some space.")
    monkeypatch.setattr(session().engine, "health", health)
    monkeypatch.setattr(session().engine, "status", lambda: EngineStatus("ready", "Engine: gpu.example."))
    assert ("The engine's disk is full." in drawn(engine.ISA_PT_engine)[1]) is shown


def test_the_panel_stays_short_however_many_wait(addon, monkeypatch):
    jobs = [job_in("waiting", JobSnapshot(), f"/takes/{number}") for number in range(100)]
    monkeypatch.setattr(session(), "jobs", lambda: jobs)
    layout, words = drawn(jobs_panel.ISA_PT_jobs)
    assert len(layout.operator.call_args_list) < 40
    assert "and 92 more" in words


def test_a_new_preview_takes_the_place_of_the_one_before(addon, tmp_path, monkeypatch):
    preview = tmp_path / "preview.png"
    preview.write_bytes(picture(64, 36, 0))
    known = len(thumbnails._previews)
    for version in (1, 1, 2):
        snapshot = JobSnapshot("running", "j", "denoise", 1, 2, preview=preview, preview_version=version)
        monkeypatch.setattr(session(), "jobs", lambda snapshot=snapshot: [job_in("running", snapshot)])
        drawn(jobs_panel.ISA_PT_jobs)[0].template_icon.assert_called_once()
        assert len(thumbnails._previews) == known + 1


def test_the_take_that_is_shown_can_be_made_again_in_part_or_go_on(addon, monkeypatch):
    take, scene = take_in("/gone/Scene-001", state="done"), addon
    monkeypatch.setattr(takes_panel, "_takes", lambda scene: [take])
    monkeypatch.setattr(takes_panel, "shown_folder", lambda scene: take.folder)
    scene.frame_start, scene.frame_end = 1, 121
    assert "Remake What Changed" in drawn(takes_panel.ISA_PT_takes)[1]
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 80, 96
    words = drawn(takes_panel.ISA_PT_takes)[1]
    assert "Remake 80–96" in words
    assert "Extend" not in words
    scene.frame_end = 150
    assert "Extend to 150" in drawn(takes_panel.ISA_PT_takes)[1]
    monkeypatch.setattr(session().engine, "health", Health("0", "ready", "cpu", None, 1, ()))
    assert "about" in drawn(takes_panel.ISA_PT_takes)[1].partition("Extend to 150")[2]
    scene.frame_start = 2
    assert "Remake" not in drawn(takes_panel.ISA_PT_takes)[1]


def test_the_takes_panel_shows_each_take_with_its_settings_and_asks_no_disk(addon, monkeypatch):
    takes = [take_in(f"/gone/Scene-00{number}", state="done", pinned=number == 1) for number in range(1, 7)]
    monkeypatch.setattr(takes_panel, "_takes", lambda scene: takes)
    _, words = drawn(takes_panel.ISA_PT_takes)
    assert words.startswith(f"Scene-001 | 1–121 · seed 0 · {Settings().steps} steps | Scene-002")
    assert "Scene-004" in words
    assert "Scene-005" not in words
    bpy.context.window_manager.isa_all_takes = True
    assert "Scene-006" in drawn(takes_panel.ISA_PT_takes)[1]
    bpy.context.window_manager.isa_all_takes = False
