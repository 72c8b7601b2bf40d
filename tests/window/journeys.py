"""The five journeys of an artist, played inside Blender with the mouse, and their clicks counted.

usage: blender --enable-event-simulate --python journeys.py -- FOLDER

FOLDER holds ``task.json`` with the journeys' names, a detector's stand-in and a photograph, and receives
pictures of the screen and ``report.json``. A menu's entry is played by its letter, a file by its name; each
counts as the click that it replaces. What the script stages stands in the scene that a journey begins with.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part
FOLDER = stagehand.FOLDER
TASK = json.loads((FOLDER / "task.json").read_text())
REPORT: dict = {"blender": bpy.app.version_string, "journeys": {}, "places": {}}
# Buttons that an artist goes on working with while a job runs.
STAY = {"generate": "bpy.ops.isa.generate(", "cast": "isa.cast_index", "add": "bpy.ops.isa.add_character("}


def session():
    return part("session.current").session()


def scene():
    return bpy.context.window_manager.windows[0].scene


def plates() -> int:
    """How many takes of the scene have come."""
    known = part("takes.ids").known_shot_id(scene())
    return len(session().queue.takes(known)) if known else 0


def seen(viewport) -> bool:
    """Whether the view shows the scene's plate through its camera."""
    assert not session().trouble, session().trouble
    files = part("plate").files(scene())
    return bool(files) and viewport.space.region_3d.view_perspective == "CAMERA" and plates() > 0


class Journey:
    """Counts clicks and seconds from one point to the next."""

    def __init__(self, viewport, name: str):
        self.viewport, self.name = viewport, name
        self.clicks, self.began = viewport.clicks, time.monotonic()

    def ends(self) -> None:
        REPORT["journeys"][self.name] = {
            "clicks": self.viewport.clicks - self.clicks,
            "seconds": round(time.monotonic() - self.began, 1),
        }
        print(self.name, REPORT["journeys"][self.name], flush=True)


def entry(viewport, button: str, letter: str, across: float, menu: float) -> Iterator[None]:
    """An entry of a menu: a click on the menu, and one on the entry.

    Args:
        button: in the menu's row, for Blender does not say of a menu which it is.
        across, menu: where both are in the sidebar's width, 0 to 1.
    """
    _, y = yield from viewport.find(button, across)
    place = viewport.sidebar.x + int(menu * (viewport.sidebar.width - 20)), y
    yield from viewport.press("LEFTMOUSE", *place)
    yield from stagehand.pause(0.5)
    viewport.clicks += 1
    yield from viewport.press(letter, *place)
    yield from stagehand.pause(0.5)


def file(viewport, path: Path, name: str) -> Iterator[None]:
    """A file of the browser that has opened: a click on it, and one on the button that takes it."""
    viewport.clicks += 2
    yield from stagehand.choose(path, name)


def fresh(viewport, *people: str) -> None:
    """A scene of its own with a camera that looks at the cursor, and people who stand there already."""
    with bpy.context.temp_override(window=viewport.window):
        bpy.ops.scene.new(type="EMPTY")
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        here = scene()
        here.collection.objects.link(camera)
        here.camera, camera.location, camera.rotation_euler = camera, (0.8, -6.5, 1.1), (1.57, 0, 0)
        here.frame_end = 9
        here.render.resolution_x, here.render.resolution_y = 960, 540
        for name in people:
            bpy.ops.isa.add_character(name=name)


def generate(viewport) -> Iterator[None]:
    """A click, and another one where a finding holds the shot."""
    yield from viewport.click("bpy.ops.isa.generate(", across=0.3)
    yield from stagehand.wait_until(lambda: session().jobs() or session().held, 200, "the job")
    if session().held:
        REPORT["held"] = [finding.sentence for finding in session().warnings]
        yield from viewport.click("bpy.ops.isa.generate(", across=0.3)


def places(viewport, when: str) -> Iterator[None]:
    """Where buttons are in the sidebar."""
    REPORT["places"][when] = {}
    for name, button in STAY.items():
        across = 0.25 if name == "add" else 0.4
        _, y = yield from viewport.find(button, across)
        REPORT["places"][when][name] = y


def first_minute(viewport) -> Iterator[None]:
    """From Blender's own scene to a plate that is seen."""
    journey = Journey(viewport, "first minute")
    yield from viewport.click("bpy.ops.isa.add_demo_scene(")
    yield from stagehand.wait_until(lambda: scene().isa.cast, 300, "the cast")
    yield from stagehand.picture("journey-1-staged")
    yield from viewport.click("bpy.ops.isa.generate(", across=0.3)

    def rendering() -> bool:
        return session().busy and session().reading.progress[0] == "background"

    yield from stagehand.wait_until(rendering, 300, "the background")
    yield from stagehand.picture("journey-1-background")
    yield from stagehand.wait_until(lambda: seen(viewport), 600, "the plate")
    journey.ends()
    # A second Blender has rendered the background; what the add-on is made of is still there.
    assert Path(importlib.import_module("isa_engine").__file__).exists()
    yield from stagehand.picture("journey-1-plate")


def one_character(viewport) -> Iterator[None]:
    """A photograph of somebody else's pose, matched by the detector."""
    fresh(viewport, "Anna")
    scene().isa.seed = TASK["held"]
    yield from stagehand.pause(1)
    member = scene().isa.cast[0]
    journey = Journey(viewport, "one character")
    yield from viewport.click("bpy.ops.isa.choose_picture(", across=0.82)
    yield from file(viewport, FOLDER / "photo.png", "journey-2-browser")
    yield from stagehand.wait_until(lambda: member.picture, 20, "the picture")
    yield from stagehand.pause(1)
    yield from entry(viewport, ".pose", "S", 0.5, 0.5)
    yield from viewport.click("bpy.ops.isa.match_reference(", across=0.3)
    matched = part("matching.pose").is_posed
    yield from stagehand.wait_until(lambda: member.ghost and matched(member.ghost), 120, "the match")
    yield from stagehand.pause(1)
    yield from stagehand.picture("journey-2-matched")
    yield from viewport.click("bpy.ops.isa.leave_reference(")
    yield from stagehand.pause(1)
    yield from places(viewport, "before")
    yield from generate(viewport)
    running = lambda: any(job.snapshot.preview for job in session().queue.jobs())  # noqa: E731
    yield from stagehand.wait_until(running, 200, "a preview")
    yield from stagehand.pause(1)
    yield from stagehand.picture("journey-2-running")
    yield from places(viewport, "running")
    (FOLDER / "go").touch()
    yield from stagehand.wait_until(lambda: seen(viewport), 200, "the plate")
    journey.ends()
    yield from stagehand.picture("journey-2-plate")
    yield from places(viewport, "plate")
    yield from troubles(viewport)


def troubles(viewport) -> Iterator[None]:
    """A job that the engine refuses, then a character who has left the frame: nothing moves but by a line."""
    scene().isa.seed = TASK["refused"]
    yield from generate(viewport)
    failed = lambda: any(job.state == "failed" for job in session().queue.jobs())  # noqa: E731
    yield from stagehand.wait_until(failed, 200, "the failure")
    yield from stagehand.pause(1)
    yield from stagehand.picture("journey-2-failed")
    yield from places(viewport, "failed")
    scene().isa.cast[0].character.location.x = 30
    yield from viewport.click("bpy.ops.isa.check_shot(", across=0.92)
    yield from stagehand.wait_until(lambda: session().findings, 60, "what is wrong")
    yield from stagehand.pause(1)
    yield from stagehand.picture("journey-2-warned")
    yield from places(viewport, "warned")


def three_characters(viewport) -> Iterator[None]:
    """Three from nothing, a motion each, one picture of all; a Draft, then a Final."""
    fresh(viewport)
    yield from stagehand.pause(1)
    journey = Journey(viewport, "three characters")
    for count, letter in enumerate("WDP", 1):
        yield from viewport.click("bpy.ops.isa.add_character(", across=0.25)
        yield from stagehand.wait_until(lambda count=count: len(scene().isa.cast) == count, 60, "a person")
        yield from stagehand.pause(1)
        yield from entry(viewport, "bpy.ops.isa.import_motion(", letter, 0.3, 0.75)
    people = [member.character for member in scene().isa.cast]
    REPORT["people"] = [
        {
            "at": [round(part, 3) for part in item.location],
            "moves": bool(item.animation_data and item.animation_data.action),
        }
        for item in people
    ]
    REPORT["active"] = scene().isa.cast_index
    # What lacks a picture is one line until it is opened.
    yield from viewport.click("isa_messages", across=0.25)
    yield from stagehand.pause(1)
    yield from viewport.click("bpy.ops.isa.choose_picture(", across=0.4)
    yield from file(viewport, FOLDER / "photo.png", "journey-3-browser")
    yield from stagehand.wait_until(lambda: all(m.picture for m in scene().isa.cast), 20, "the pictures")
    for count, letter in enumerate("DF", 1):
        yield from entry(viewport, "bpy.ops.isa.add_preset(", letter, 0.84, 0.4)
        yield from generate(viewport)
        yield from stagehand.wait_until(lambda count=count: plates() == count, 200, "the plate")
        yield from stagehand.pause(1)
    journey.ends()
    yield from stagehand.picture("journey-3-plate")


def another_take(viewport) -> Iterator[None]:
    """The lens is another; the new take beside the old one, A|B, and the old one's settings."""
    scene().camera.data.lens = 65
    journey = Journey(viewport, "another take")
    yield from generate(viewport)
    yield from stagehand.wait_until(lambda: plates() == 3, 200, "the plate")
    yield from stagehand.pause(1)
    yield from viewport.click("bpy.ops.isa.compare_takes(")
    yield from stagehand.pause(1)
    yield from viewport.click("bpy.ops.isa.use_settings(", across=0.82)
    yield from stagehand.pause(1)
    journey.ends()
    yield from stagehand.picture("journey-4-takes")


def nights_farm(viewport) -> Iterator[None]:
    """The shot as a bundle."""
    out = FOLDER / "bundle"
    out.mkdir()
    journey = Journey(viewport, "the night's farm")
    # The panel is folded until somebody opens it.
    viewport.clicks += 1
    yield from viewport.click("bpy.ops.isa.write_farm_bundle(")
    viewport.clicks += 1
    yield from stagehand.choose(out, "journey-5-browser")
    yield from stagehand.wait_until(lambda: (out / "template.json").exists(), 200, "the bundle")
    yield from stagehand.wait_until(lambda: session().note, 60, "what to run")
    REPORT["note"] = session().note
    journey.ends()


def visit() -> Iterator[None]:
    os.environ["ISA_DETECTOR_PYTHON"] = str(FOLDER / "detector-python")
    preferences = stagehand.use_engine(TASK)
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    preferences.cache = str(FOLDER / "cache")
    stagehand.unfold(part("ui.farm").ISA_PT_farm)
    viewport = stagehand.Viewport()
    yield from viewport.open_tab("ISA")
    for journey in TASK["journeys"]:
        yield from globals()[journey](viewport)
    stagehand.save(REPORT)


stagehand.play(visit())
