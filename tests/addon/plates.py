"""What plate tests share: small movies whose every frame is unlike the next, cameras, an inventory."""

from fractions import Fraction

import av
import bpy
import numpy as np


def write_movie(path, frames: int, width: int, height: int, seed: int = 0) -> np.ndarray:
    """Write an H.264 movie of soft moving colours and return it as decoded, ``(F, H, W, 3)`` uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(frames):
            waves = random.uniform(-6, 6, (3, 3))
            picture = np.stack([np.sin(a * x + b * y + c) for a, b, c in waves], -1)
            picture = (127.5 + 100 * picture).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


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
