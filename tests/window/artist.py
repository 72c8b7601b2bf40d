"""What an artist does with the mouse, played inside Blender: stage the demo, click Generate, see the plate.

usage: blender --enable-event-simulate --python artist.py -- FOLDER

FOLDER holds ``task.json`` and receives pictures of the screen and ``report.json``.
"""

import hashlib
import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

ADDON = "bl_ext.user_default.isa_blender_addon"
FOLDER = Path(sys.argv[sys.argv.index("--") + 1])
TASK = json.loads((FOLDER / "task.json").read_text())
REPORT: dict = {"blender": bpy.app.version_string, "states": []}
TICK = 0.02


class Viewport:
    """The 3D viewport and its sidebar. Methods that yield take a few ticks."""

    def __init__(self):
        self.window = bpy.context.window_manager.windows[0]
        areas = [area for area in self.window.screen.areas if area.type == "VIEW_3D"]
        self.area = max(areas, key=lambda area: area.width * area.height)
        self.space = self.area.spaces.active

    @property
    def sidebar(self):
        return next(region for region in self.area.regions if region.type == "UI")

    def open_tab(self, name: str) -> Iterator[None]:
        self.space.show_region_ui = True
        yield from pause(0.5)
        self.sidebar.active_panel_category = name
        self.area.tag_redraw()
        yield from pause(0.5)

    def click(self, command: str) -> Iterator[None]:
        """Hover down the sidebar until Blender says the button under the mouse runs ``command``; click it."""
        place = None
        for _ in range(6):
            place = yield from self._find(command)
            if place:
                break
            for _ in range(10):
                self._event(
                    "WHEELDOWNMOUSE", "PRESS", self._middle, self.sidebar.y + self.sidebar.height // 2
                )
                yield
        assert place, f"no button of the sidebar runs {command}"
        for value in ("PRESS", "RELEASE"):
            self._event("LEFTMOUSE", value, *place)
            yield
        # Off the button, lest its tooltip cover the picture.
        self._event("MOUSEMOVE", "NOTHING", self.area.x + 200, self.area.y + 100)

    def _find(self, command: str) -> Iterator[None]:
        for y in range(self.sidebar.y + self.sidebar.height - 4, self.sidebar.y, -8):
            self._event("MOUSEMOVE", "NOTHING", self._middle, y)
            yield
            with bpy.context.temp_override(window=self.window, area=self.area, region=self.sidebar):
                if bpy.ops.ui.copy_python_command_button.poll():
                    bpy.ops.ui.copy_python_command_button()
                    if bpy.context.window_manager.clipboard.startswith(command):
                        return self._middle, y
        return None

    @property
    def _middle(self) -> int:
        return self.sidebar.x + self.sidebar.width // 2 - 10

    def _event(self, kind: str, value: str, x: int, y: int) -> None:
        self.window.event_simulate(type=kind, value=value, x=x, y=y)


def picture(name: str) -> Iterator[None]:
    yield from pause(0.5)
    subprocess.run(["import", "-window", "root", str(FOLDER / f"{name}.png")], check=True)


def pause(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> Iterator[None]:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        yield


def state() -> str:
    """How the add-on's job stands."""
    session = importlib.import_module(f"{ADDON}.session").session()
    assert not session.error, session.error
    now = "reading" if session.captured else session.job.runner.snapshot().state if session.job else "idle"
    if now not in REPORT["states"]:
        REPORT["states"].append(now)
    return now


def movies() -> dict[str, list]:
    """Frames and content of each movie in the file."""
    return {
        image.name: [
            image.frame_duration,
            hashlib.sha256(Path(bpy.path.abspath(image.filepath)).read_bytes()).hexdigest(),
        ]
        for image in bpy.data.images
        if image.source == "MOVIE"
    }


def visit() -> Iterator[None]:
    """From an empty tab to a plate."""
    preferences = bpy.context.preferences.addons[ADDON].preferences
    preferences.engine = "REMOTE"
    preferences.remote_url, preferences.remote_token = TASK["url"], TASK["token"]
    viewport = Viewport()
    yield from viewport.open_tab("ISA")
    yield from picture("1-before")

    yield from viewport.click("bpy.ops.isa.add_demo_scene(")
    yield from wait_until(lambda: bpy.context.window_manager.windows[0].scene.isa.cast, 120, "the cast")
    scene = viewport.window.scene
    scene.isa.steps = TASK["steps"]
    viewport.space.region_3d.view_perspective = "CAMERA"
    yield from picture("2-staged")

    before = {item.name for item in bpy.data.objects}
    yield from viewport.click("bpy.ops.isa.generate(")
    yield from wait_until(lambda: state() == "running", 120, "the denoising")
    yield from picture("3-generating")
    yield from wait_until(lambda: state() in ("done", "idle") and movies(), 300, "the plate")
    scene.frame_set((scene.frame_start + scene.frame_end) // 2)
    viewport.space.shading.color_type = "TEXTURE"
    yield from picture("4-plate")
    REPORT["frames"] = scene.frame_end - scene.frame_start + 1
    REPORT["movies"] = movies()
    REPORT["new_objects"] = sorted({item.name for item in bpy.data.objects} - before)
    REPORT["plates"] = [item.name for item in bpy.data.collections["ISA Plate"].all_objects]
    REPORT["cast"] = [member.character.name for member in scene.isa.cast]


def play(steps: Iterator[None]) -> Callable[[], float | None]:
    """A timer that takes one step a tick and closes Blender at the end."""

    def tick() -> float | None:
        try:
            next(steps)
            return TICK
        except StopIteration:
            (FOLDER / "report.json").write_text(json.dumps(REPORT))
            bpy.ops.wm.quit_blender()
        except BaseException:
            traceback.print_exc()
            print("so far:", REPORT)
            subprocess.run(["import", "-window", "root", str(FOLDER / "failed.png")])
            sys.stdout.flush()
            os._exit(3)
        return None

    return tick


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(play(visit()), first_interval=1)
