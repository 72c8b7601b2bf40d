"""What comes and goes at the artist's desk, played inside Blender: the lines that install an engine, tracked
people, a bundle, the cache.

usage: blender --enable-event-simulate --python desk.py -- FOLDER

FOLDER holds a tracker's ``wham.npz`` and receives pictures of the screen and ``report.json``.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part
REPORT: dict = {"blender": bpy.app.version_string}


def instructions(viewport) -> Iterator[None]:
    """How an engine is installed, in a window of its own."""
    yield from viewport.click("bpy.ops.isa.how_to_install(")
    yield from stagehand.pause(1)
    yield from stagehand.picture("desk-instructions")
    window = bpy.context.window_manager.windows[-1]
    space = window.screen.areas[0].spaces.active
    REPORT["first_line"], REPORT["lines"] = space.top, len(space.text.lines)
    with bpy.context.temp_override(window=window):
        bpy.ops.wm.window_close()
    yield from stagehand.pause(0.5)


def tracked(viewport) -> Iterator[None]:
    """Two people from a tracker's file, by the cast's button."""
    scene = viewport.window.scene
    for item in list(scene.objects):
        bpy.data.objects.remove(item)
    scene.frame_end = 6
    scene.render.resolution_x, scene.render.resolution_y = 960, 720
    yield from viewport.click("bpy.ops.isa.import_people(", across=0.85)
    yield from stagehand.choose(stagehand.FOLDER / "wham.npz", "desk-wham-browser", width=96, height=72)
    yield from stagehand.wait_until(lambda: len(scene.isa.cast) == 2, 60, "the people")
    viewport.space.region_3d.view_perspective = "CAMERA"
    yield from stagehand.pause(1)
    yield from stagehand.picture("desk-people")
    REPORT["people"] = [member.character.name for member in scene.isa.cast]
    REPORT["camera"] = scene.camera.name


def bundle(viewport) -> Iterator[None]:
    """A bundle for the farm, by its button, while Blender goes on."""
    out = stagehand.FOLDER / "bundle"
    out.mkdir()
    yield from viewport.click("bpy.ops.isa.write_farm_bundle(")
    yield from stagehand.choose(out, "desk-bundle-browser")
    session = part("session.current").session()
    yield from stagehand.wait_until(lambda: session.note or session.error, 120, "the bundle")
    yield from viewport.click("isa_messages", across=0.25)
    yield from stagehand.picture("desk-farm")
    REPORT["note"], REPORT["error"] = session.note, session.error
    REPORT["bundle"] = sorted(path.name for path in out.iterdir())


def cache(viewport) -> Iterator[None]:
    """The preferences: engine, cache, clean-up."""
    kept = part("preferences.folders").backgrounds_folder()
    kept.mkdir(parents=True)
    (kept / f"{'a' * 32}.mp4").write_bytes(bytes(3_000_000))
    area = viewport.area
    area.type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "ISA for"
    with bpy.context.temp_override(window=viewport.window, area=area):
        bpy.ops.preferences.addon_expand(module=stagehand.ADDON)
    cleaning, measuring = part("cache.cleaning").cleaning, part("cache.measuring").measuring
    yield from stagehand.wait_until(lambda: measuring._sizes, 20, "the sizes")
    yield from stagehand.pause(1)
    yield from stagehand.picture("desk-preferences")
    REPORT["before"] = measuring.sizes().backgrounds
    bpy.ops.isa.clean_cache(days=0)
    yield from stagehand.wait_until(lambda: cleaning.said, 20, "the clean-up")
    yield from stagehand.picture("desk-cleaned")
    REPORT["said"], REPORT["after"] = cleaning.said, sorted(path.name for path in kept.iterdir())


def visit() -> Iterator[None]:
    preferences = bpy.context.preferences
    preferences.view.filebrowser_display_type = "SCREEN"
    preferences.addons[stagehand.ADDON].preferences.cache = str(stagehand.FOLDER / "cache")
    stagehand.unfold(part("ui.farm").ISA_PT_farm)
    viewport = stagehand.Viewport()
    yield from viewport.open_tab("ISA")
    yield from stagehand.picture("desk-empty")
    yield from instructions(viewport)
    yield from tracked(viewport)
    yield from bundle(viewport)
    yield from cache(viewport)
    stagehand.save(REPORT)


stagehand.play(visit())
