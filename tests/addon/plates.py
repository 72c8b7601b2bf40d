"""What plate tests share: small movies whose every frame is unlike the next, cameras, an inventory."""

from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

from isa_engine.pipeline.video import read_video, write_video


def write_movie(path, frames: int, width: int, height: int, seed: int = 0) -> np.ndarray:
    """Write a plate of soft moving colours and return it as decoded, ``(F, H, W, 3)`` uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = random.uniform(-6, 6, (frames, 3, 3))
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


def inventory() -> dict[str, set[str]]:
    """The names of what is in the file, by kind."""
    kinds = ("objects", "meshes", "materials", "images", "cameras", "collections", "actions", "node_groups")
    return {kind: {item.name for item in getattr(bpy.data, kind)} for kind in kinds}
