"""How long Blender's main thread is away from the artist while a take is made, played inside Blender.

usage: blender --enable-event-simulate --python stalls.py -- FOLDER

FOLDER holds ``task.json`` and receives ``report.json``. No scene is drawn meanwhile: without a GPU, that is
most of what Blender does.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part
TASK = json.loads((stagehand.FOLDER / "task.json").read_text())
REPORT: dict = {"blender": bpy.app.version_string}


def session():
    return part("session.current").session()


def state() -> str:
    assert not session().trouble, session().trouble
    return next((job.state for job in session().queue.jobs()), "imported")


def previewed() -> bool:
    return any(job.snapshot.preview for job in session().queue.jobs())


def imported() -> Iterator[None]:
    yield from stagehand.wait_until(lambda: state() == "imported", 120, "the plate")
    # Its undo step comes a moment later.
    yield from stagehand.pause(1)


def own_work() -> "stagehand.Calls":
    """What the add-on does on the main thread for a take: its timers' parts, and each of its panels."""
    queue, engine = part("engine.queue").JobQueue, part("engine.chosen_engine").ChosenEngine
    reading = part("session.reading.reading").Reading
    panels = [cls for name in ("panel", "jobs", "takes") for cls in part(f"ui.{name}").CLASSES]
    timer = [
        (reading, "__init__"),
        (reading, "step"),
        (reading, "stretch"),
        (queue, "advance"),
        (queue, "jobs"),
        (part("session.open_file.arrival").Arrivals, "step"),
        (engine, "look"),
    ]
    return stagehand.Calls(*timer, *((cls, "draw") for cls in panels))


def redrawn(seconds: float) -> Iterator[None]:
    """The sidebar drawn as often as while a job runs."""
    for _ in range(int(2 * seconds)):
        part("blender.window").redraw()
        yield from stagehand.pause(0.5)


def visit() -> Iterator[None]:
    """One take, from a panel at rest to its plate."""
    stagehand.use_engine(TASK)
    viewport = stagehand.Viewport()
    yield from viewport.open_tab("ISA")
    bpy.ops.isa.add_demo_scene()
    scene = viewport.window.scene
    scene.isa.steps, scene.isa.seed = TASK["steps"], TASK["seed"]
    # Rendered by a Blender of its own, it takes the processor from this one.
    scene.isa.background = "NONE"
    viewport.space.region_3d.view_perspective = "CAMERA"
    viewport.space.shading.type = "WIREFRAME"
    viewport.space.overlay.show_overlays = False
    bpy.context.preferences.system.viewport_aa = "OFF"
    yield from stagehand.pause(2)
    # Once before: the first drawing of anything has Mesa compile it.
    yield from take(viewport, stagehand.Stalls())
    part("scene.surface")._table.cache_clear()
    stalls, calls = stagehand.Stalls(), own_work()
    yield from stalls.during("at rest", redrawn(4))
    yield from take(viewport, stalls)
    yield from stagehand.picture("stalls")
    REPORT["stalls"], REPORT["calls"] = stalls.longest, calls.longest
    stagehand.save(REPORT)


def take(viewport, stalls) -> Iterator[None]:
    """From the click to the plate; the sidebar is there while the engine works, the scene at no time."""
    (stagehand.FOLDER / "go").unlink(missing_ok=True)
    viewport.area.type = "TEXT_EDITOR"
    yield from stagehand.pause(1)
    bpy.ops.isa.generate("INVOKE_DEFAULT")
    begun = stagehand.wait_until(lambda: session().queue.jobs(), 120, "the reading's end")
    yield from stalls.during("reading", begun)
    yield from stalls.during("sending", stagehand.wait_until(previewed, 60, "a preview"))
    viewport.area.type = "VIEW_3D"
    yield from stagehand.pause(2)
    yield from stalls.during("running", stagehand.pause(6))
    viewport.area.type = "TEXT_EDITOR"
    yield from stagehand.pause(1)
    (stagehand.FOLDER / "go").touch()
    yield from stalls.during("importing", imported())
    viewport.area.type = "VIEW_3D"
    yield from stagehand.pause(2)


stagehand.play(visit())
