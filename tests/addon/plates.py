"""What plate tests share: small movies whose every frame is unlike the next, cameras, an inventory."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np

from isa_engine.results.video import write_video
from tests.movies import read_video


def write_movie(path, frames: int, width: int, height: int, seed: int = 0, grey: bool = False) -> np.ndarray:
    """Write a plate of soft moving colours, or greys, and return it as decoded, ``(F, H, W, 3)`` uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = random.uniform(-6, 6, (frames, 3, 3))
    if grey:
        waves[:] = waves[:, :1]
    pictures = (np.stack([np.sin(a * x + b * y + c) for a, b, c in frame], -1) for frame in waves)
    coloured = ((127.5 + 100 * picture).astype(np.uint8) for picture in pictures)
    write_video(Path(path), coloured, Fraction(24), 1, {})
    return read_video(Path(path).read_bytes(), frames, (width, height))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two 8-bit pictures, dB."""
    return float(-10 * np.log10(np.mean((a.astype(float) - b.astype(float)) ** 2) / 255**2 + 1e-12))


def add_camera(scene, name="Camera"):
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(camera)
    scene.camera = scene.camera or camera
    return camera


def render(scene, frame: int, folder) -> np.ndarray:
    """The scene through its camera at a frame, as it is seen: ``(H, W, 3)`` uint8, one sample a pixel."""
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 1, "CPU"
    scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = False, False
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BLACKMAN_HARRIS", 0.01
    scene.render.dither_intensity = 0
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGB"
    path = folder / f"{frame}.png"
    scene.render.filepath = str(path)
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    return np.round(pixels(path)[..., :3] * 255).astype(np.uint8)


def pixels(path) -> np.ndarray:
    """A picture file's numbers as they stand there, ``(H, W, 4)`` float32, from the top."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name, image.alpha_mode = "Non-Color", "CHANNEL_PACKED"
    width, height = image.size
    flat = np.empty(4 * width * height, np.float32)
    image.pixels.foreach_get(flat)
    bpy.data.images.remove(image)
    return flat.reshape(height, width, 4)[::-1]


def linear(srgb: np.ndarray) -> np.ndarray:
    """8-bit sRGB to light, in [0, 1]."""
    value = np.asarray(srgb, float) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def shot_of(frame_numbers, cuts: tuple[int, ...] | None = ()) -> SimpleNamespace:
    """What a plate's import needs of a shot."""
    return SimpleNamespace(frame_numbers=np.asarray(frame_numbers), cuts=cuts)


def inventory() -> dict[str, set[str]]:
    """The names of what is in the file, by kind."""
    kinds = ("objects", "meshes", "materials", "images", "cameras", "collections", "actions", "node_groups")
    # What is rendered and viewed has images of Blender's own.
    own = {"RENDER_RESULT", "COMPOSITING"}
    return {
        kind: {item.name for item in getattr(bpy.data, kind) if getattr(item, "type", "") not in own}
        for kind in kinds
    }
