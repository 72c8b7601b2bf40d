"""A shot from its staging to its plates and a render, in a Blender without a window.

usage: blender --background --python-exit-code 5 --python without_window.py -- FOLDER

FOLDER holds ``task.json``, receives ``report.json``.
"""

import importlib
import json
import sys
import time
from pathlib import Path

import bpy

ADDON = "bl_ext.user_default.isa_blender_addon"
FOLDER = Path(sys.argv[sys.argv.index("--") + 1])
TASK = json.loads((FOLDER / "task.json").read_text())
REPORT: dict = {"blender": bpy.app.version_string}


def part(name: str):
    return importlib.import_module(f"{ADDON}.{name}")


def generate() -> str:
    """Another take; its name, once the plate shows it."""
    session, scene = part("session.current").session(), bpy.context.scene
    before = part("takes.shown").shown_folder(scene)
    assert bpy.ops.isa.generate(anyway=True) == {"FINISHED"}
    end = time.monotonic() + 200
    while (now := part("takes.shown").shown_folder(scene)) == before:
        assert time.monotonic() < end, session.queue.jobs()
        assert not session.trouble, session.trouble
        session.tick()
        time.sleep(0.1)
    return now.name


def main() -> None:
    preferences = bpy.context.preferences.addons[ADDON].preferences
    preferences.engine, preferences.cache = "REMOTE", str(FOLDER / "cache")
    preferences.remote_url, preferences.remote_token = TASK["url"], TASK["token"]
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
    bpy.ops.isa.add_demo_scene()
    scene = bpy.context.scene
    scene.frame_end, scene.isa.steps, scene.isa.background = scene.frame_start + 4, 2, "NONE"
    scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
    # Some distributions build Blender without the denoiser.
    scene.cycles.samples, scene.cycles.use_denoising, scene.render.resolution_percentage = 1, False, 10
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "shot.blend"))
    bpy.ops.isa.bundled_motion(clip="walk")
    never_shown = bpy.data.scenes.new("Street")
    person = scene.isa.cast[0].character
    for item in (person, *person.children):
        never_shown.collection.objects.link(item)
    REPORT["never_shown"] = [rig.name for rig in part("scene.characters").find_characters(never_shown)]
    bpy.data.scenes.remove(never_shown)
    bpy.ops.isa.check_shot()
    session = part("session.current").session()
    REPORT["checked"] = [finding.sentence for finding in session.findings], session.note
    REPORT["plain"] = generate()
    kinds = scene.isa.bl_rna.properties["plate"].enum_items.keys()
    for kind in kinds:
        scene.isa.plate = {kind}
        assert not session.error, session.error
        assert part("plate").files(scene), kind
    scene.render.filepath = str(FOLDER / "render.png")
    bpy.ops.render.render(write_still=True)
    scene.isa.background = "RENDER"
    REPORT["over_background"] = generate()
    bpy.ops.isa.compare_takes()
    REPORT["compared"] = part("takes.shown").shown_folder(scene).name
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "shot.blend"))
    REPORT["reopened"] = part("takes.shown").shown_folder(bpy.context.scene).name
    bpy.ops.preferences.addon_disable(module=ADDON)
    REPORT["left"] = [name for name in dir(bpy.types) if "_isa_" in name or name.startswith("ISA_")]
    (FOLDER / "report.json").write_text(json.dumps(REPORT))


main()
