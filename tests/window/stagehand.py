"""What scripts that act as the artist share: the viewport, its buttons, pictures of the screen, waiting.

Lies beside the script that is played; Blender's command line ends with ``-- FOLDER``.
"""

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
TICK = 0.02
# Pixels of a row in a list.
ROW = 20


def part(name: str):
    """A module of the installed add-on."""
    return importlib.import_module(f"{ADDON}.{name}")


def use_engine(task: dict):
    """Enter the engine that a task names by ``url`` and ``token``; the add-on's preferences."""
    preferences = bpy.context.preferences.addons[ADDON].preferences
    preferences.engine = "REMOTE"
    preferences.remote_url, preferences.remote_token = task["url"], task["token"]
    return preferences


class Viewport:
    """The 3D viewport and its sidebar. Methods that yield take a few ticks.

    Attributes:
        clicks: of the left mouse button so far.
    """

    def __init__(self):
        self.clicks = 0
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

    def click(self, wanted: str, across: float = 0.5) -> Iterator[None]:
        """Click a button of the sidebar, once Blender says that it is the one under the mouse.

        Args:
            wanted: how an operator's call begins, or a property's path ends.
            across: where in the sidebar's width to look, 0 to 1.
        """
        place = yield from self.find(wanted, across)
        yield from self.press("LEFTMOUSE", *place)
        # Off the button, lest its tooltip cover the picture.
        self._event("MOUSEMOVE", "NOTHING", self.area.x + 200, self.area.y + 100)

    def find(self, wanted: str, across: float = 0.5) -> Iterator[None]:
        """Where a button of the sidebar is; the sidebar is scrolled until it is there, and still."""
        # To the top, then down.
        self._passed = set()
        for way, turns in (("UP", 60), *(5 * [("DOWN", 10)])):
            place = yield from self._find(wanted, across)
            # Panels glide to new places for a while after something has changed.
            while place and not (yield from self._stays(wanted, place)):
                place = yield from self._find(wanted, across)
            if place:
                return place
            for _ in range(turns):
                middle = self.sidebar.y + self.sidebar.height // 2
                self._event(f"WHEEL{way}MOUSE", "PRESS", self._middle, middle)
                yield
        raise AssertionError(f"no button of the sidebar is for {wanted}, only {self._passed}")

    def press(self, kind: str, x: int, y: int, **modifiers: bool) -> Iterator[None]:
        """Press a button of the mouse or a key there, and let it go."""
        self.clicks += kind == "LEFTMOUSE"
        for event, value in (("MOUSEMOVE", "NOTHING"), (kind, "PRESS"), (kind, "RELEASE")):
            self.window.event_simulate(type=event, value=value, x=x, y=y, **modifiers)
            yield

    def key(self, kind: str, **modifiers: bool) -> Iterator[None]:
        """Press a key over the view."""
        yield from self.press(kind, self.area.x + 200, self.area.y + 100, **modifiers)

    def _find(self, wanted: str, across: float) -> Iterator[None]:
        x = self.sidebar.x + int(across * (self.sidebar.width - 20))
        # Near the lower edge a press takes hold of the border of the area: what lies there is scrolled to.
        for y in range(self.sidebar.y + self.sidebar.height - 4, self.sidebar.y + 16, -8):
            self._event("MOUSEMOVE", "NOTHING", x, y)
            yield
            if self._is_under_the_mouse(wanted):
                return x, y
        return None

    def _stays(self, wanted: str, place: tuple[int, int]) -> Iterator[None]:
        """Whether the button is there a moment later."""
        yield from pause(0.4)
        self._event("MOUSEMOVE", "NOTHING", place[0] + 1, place[1])
        yield
        self._event("MOUSEMOVE", "NOTHING", *place)
        yield
        return self._is_under_the_mouse(wanted)

    def _is_under_the_mouse(self, wanted: str) -> bool:
        with bpy.context.temp_override(window=self.window, area=self.area, region=self.sidebar):
            button = _button_under_the_mouse()
        self._passed.add(button)
        return button.startswith(wanted) or button.endswith(wanted)

    @property
    def _middle(self) -> int:
        return self.sidebar.x + self.sidebar.width // 2 - 10

    def _event(self, kind: str, value: str, x: int, y: int) -> None:
        self.window.event_simulate(type=kind, value=value, x=x, y=y)


def choose(path: Path, name: str, **options) -> Iterator[None]:
    """In the file browser that has opened: a file or a folder, its options, and Return, which takes it.

    Args:
        name: of the picture of it.

    Returns:
        How the browser showed files, "THUMBNAIL" or another.
    """

    # A file that is opened brings windows of its own.
    def window():
        return bpy.context.window_manager.windows[0]

    def browser():
        return next((area for area in window().screen.areas if area.type == "FILE_BROWSER"), None)

    yield from wait_until(browser, 20, "the file browser")
    yield from wait_until(lambda: browser().spaces.active.params, 20, "its fields")
    params = browser().spaces.active.params
    params.directory = str(path if path.is_dir() else path.parent).encode()
    if path.is_file():
        params.filename = path.name
    for option, value in options.items():
        setattr(browser().spaces.active.active_operator, option, value)
    yield from pause(1)
    yield from picture(name)
    display = browser().spaces.active.params.display_type
    files = next(region for region in browser().regions if region.type == "WINDOW")
    place = {"x": files.x + files.width // 2, "y": files.y + 10}
    for kind, value in (("MOUSEMOVE", "NOTHING"), ("RET", "PRESS"), ("RET", "RELEASE")):
        window().event_simulate(type=kind, value=value, **place)
        yield
    yield from wait_until(lambda: browser() is None, 20, "its end")
    return display


def _button_under_the_mouse() -> str:
    """The call of an operator's button, the path of a property's; empty for neither."""
    for copy, options in (
        (bpy.ops.ui.copy_python_command_button, {}),
        (bpy.ops.ui.copy_data_path_button, {"full_path": True}),
    ):
        if copy.poll():
            copy(**options)
            return bpy.context.window_manager.clipboard
    return ""


def picture(name: str) -> Iterator[None]:
    # Panels take two redraws to find their new heights.
    for _ in range(2):
        for area in bpy.context.window_manager.windows[0].screen.areas:
            area.tag_redraw()
        yield from pause(0.7)
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


class Stalls:
    """How long Blender's main thread was away between two calls of a timer, at most, in each of some spans.

    Attributes:
        longest: milliseconds by the span's name: ``wall`` by the clock; ``cpu`` of them the main thread's own
            work, which other programs on the machine do not lengthen; and how often the scene was ``drawn``.
    """

    def __init__(self):
        self.longest: dict[str, dict[str, float]] = {}
        self._span = ""
        bpy.types.SpaceView3D.draw_handler_add(self._count, (), "WINDOW", "POST_PIXEL")

    def _count(self) -> None:
        if self._span:
            self.longest[self._span]["drawn"] += 1

    def during(self, span: str, steps: Iterator[None]) -> Iterator[None]:
        """Take steps, and watch them."""
        self._span, self._last = span, None
        self.longest[span] = {"wall": 0.0, "cpu": 0.0, "drawn": 0}
        self._tick()
        bpy.app.timers.register(self._tick)
        yield from steps
        self._tick()
        self._span = ""

    def _tick(self) -> float | None:
        if not self._span:
            return None
        now = {"wall": time.perf_counter(), "cpu": time.thread_time()}
        if self._last:
            longest = self.longest[self._span]
            for clock, at in now.items():
                longest[clock] = max(longest[clock], 1000 * (at - self._last[clock]))
        self._last = now
        return 0.001


class Calls:
    """The longest calls of some functions: ``longest`` as of ``Stalls``, by the functions' names."""

    def __init__(self, *functions: tuple[type, str]):
        self.longest: dict[str, dict[str, float]] = {}
        for owner, name in functions:
            timed = self._timed(f"{owner.__name__}.{name}", getattr(owner, name))
            setattr(owner, name, _as_draw(timed) if name == "draw" else timed)

    def _timed(self, name: str, plain: Callable) -> Callable:
        def timed(*arguments, **named):
            began = time.perf_counter(), time.thread_time()
            try:
                return plain(*arguments, **named)
            finally:
                longest = self.longest.setdefault(name, {"wall": 0.0, "cpu": 0.0})
                for clock, at, now in zip(
                    longest, began, (time.perf_counter(), time.thread_time()), strict=True
                ):
                    longest[clock] = max(longest[clock], 1000 * (now - at))

        return timed


def _as_draw(timed: Callable) -> Callable:
    """Blender gives a function as many arguments as its signature counts."""

    def draw(self, context) -> None:
        timed(self, context)

    return draw


def unfold(*panels: type) -> None:
    """Open panels that are closed by default, parents first: a header is no button that could be found."""
    for panel in reversed(panels):
        bpy.utils.unregister_class(panel)
    for panel in panels:
        panel.bl_options = set()
        bpy.utils.register_class(panel)


def save(report: dict) -> None:
    (FOLDER / "report.json").write_text(json.dumps(report))


def play(steps: Iterator[None]) -> None:
    """Take one step a tick, and close Blender at the end."""

    def tick() -> float | None:
        try:
            next(steps)
            return TICK
        except StopIteration:
            bpy.ops.wm.quit_blender()
        except BaseException:
            traceback.print_exc()
            subprocess.run(["import", "-window", "root", str(FOLDER / "failed.png")])
            sys.stdout.flush()
            os._exit(3)
        return None

    bpy.context.preferences.view.show_splash = False
    bpy.app.timers.register(tick, first_interval=1, persistent=True)
