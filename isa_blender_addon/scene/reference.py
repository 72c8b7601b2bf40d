"""A picture of the scene itself, to stand in for a photograph as the cast's reference."""

from pathlib import Path

import bpy

from .camera import camera_at
from .keep import kept
from .picture import written_by_blender

_SAMPLES = 16


def render_reference(scene, frame: int, path: str | Path) -> Path:
    """Render a frame through its camera into a PNG, by Cycles on the CPU; settings stay as they were.

    Returns:
        The file's path.

    Raises:
        SceneError: there is no camera, or the place cannot be written.
    """
    camera_at(scene, frame)
    target = Path(path).with_suffix(".png")
    render, output = scene.render, scene.render.image_settings
    # Setting the file format before the colour mode: each format has its own modes.
    wanted = [
        (render, "engine", "CYCLES"),
        (scene.cycles, "device", "CPU"),
        (scene.cycles, "samples", _SAMPLES),
        (scene.cycles, "use_adaptive_sampling", False),
        (scene.cycles, "use_denoising", False),
        (render, "use_border", False),
        (render, "use_compositing", False),
        (render, "use_sequencer", False),
        (render, "use_file_extension", True),
        (render, "use_overwrite", True),
        (output, "file_format", "PNG"),
        (output, "color_mode", "RGB"),
        (output, "color_depth", "8"),
        (render, "filepath", str(target)),
    ]
    if hasattr(output, "media_type"):  # Blender 5
        wanted.insert(0, (output, "media_type", "IMAGE"))
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in wanted]
    with kept(scene):
        try:
            for owner, name, value in wanted:
                setattr(owner, name, value)
            scene.frame_set(frame)
            with written_by_blender(target):
                bpy.ops.render.render(write_still=True, scene=scene.name)
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)
    return target
