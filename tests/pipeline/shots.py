"""A model small enough to run in a blink, and shots for it."""

import dataclasses
import io
from fractions import Fraction

import av
import numpy as np
from PIL import Image

from isa_engine.configuration import DiTConfig, ImageTowerConfig, ModelConfig, isa_tiny
from isa_engine.geometry.camera import modelview_projection
from isa_engine.pipeline.isa.model import Model, build_model
from isa_engine.shot import Character, ReferencePose, Settings, Shot

MICRO = ModelConfig(
    name="micro",
    short_side=32,
    close_up=32,
    max_frames=9,
    vae=dataclasses.replace(isa_tiny().vae, block_out_channels=(16,)),
    dit=DiTConfig(width=32, layers=2, heads=2, points=12, image_width=32),
    image_tower=ImageTowerConfig(size=32, width=32, layers=1, heads=2),
)
# The same with attention across time in windows of two latents, the first one seen by all.
WINDOWED = dataclasses.replace(
    MICRO, dit=dataclasses.replace(MICRO.dit, temporal_window=2, temporal_stride=1, temporal_anchor=1)
)
# An octahedron, each face cut into four.
_CORNERS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
_FACES = [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)]


def speaking(config: ModelConfig) -> Model:
    """Every branch of a fresh transformer is silent; with these weights each of them speaks."""
    model = build_model(config, None, "cpu")
    for k, parameter in enumerate(model.dit.parameters()):
        wave = parameter.new_tensor(range(parameter.numel())).mul(1.7 + k).sin()
        parameter.add_(0.2 * wave.reshape(parameter.shape))
    return model


def picture(width: int = 40, height: int = 32, seed: int = 0) -> bytes:
    """A PNG of soft noise."""
    small = np.random.default_rng(seed).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def footage(frames: int, width: int = 96, height: int = 64) -> bytes:
    """An encoded video that brightens."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for level in np.linspace(40, 200, frames).astype(np.uint8):
            frame = np.full((height, width, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode(None))
    return file.getvalue()


def ball(centre: tuple[float, float, float], radius: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Points ``(18, 3)`` and triangles of a coarse sphere."""
    points = [tuple(corner) for corner in _CORNERS]
    triangles = []
    for a, b, c in _FACES:
        middles = []
        for u, v in ((a, b), (b, c), (c, a)):
            middle = tuple((np.array(points[u]) + np.array(points[v])) / np.sqrt(2))
            if middle not in points:
                points.append(middle)
            middles.append(points.index(middle))
        ab, bc, ca = middles
        triangles += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.array(points) * radius + centre, np.array(triangles, np.int32)


def look_along_y(frames: int, distance: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Intrinsics and camera-to-world of a camera that looks along +Y at the origin and drifts aside."""
    intrinsics = np.tile([1.6, 2.0, 0.05, -0.03], (frames, 1))
    camera = np.tile(np.eye(4), (frames, 1, 1))
    camera[:, :3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    camera[:, 1, 3] = -distance
    camera[:, 0, 3] = np.linspace(0, 0.2, frames)
    return intrinsics, camera


def make_shot(
    frames: int = 5,
    step: int = 1,
    centres: tuple = ((-0.6, 0, 0), (0.7, 0.4, 0.1)),
    references: str = "each",
    transform: np.ndarray | None = None,
    **settings,
) -> Shot:
    """Balls that rise before a drifting camera.

    Args:
        references: "each" has a picture, "all" are in one, or "none".
        transform: rigid ``(4, 4)`` applied to the whole scene.
    """
    transform = np.eye(4) if transform is None else transform
    intrinsics, camera = look_along_y(frames)
    camera = transform @ camera
    cast = []
    for k, centre in enumerate(centres):
        points, triangles = ball(centre)
        rise = np.linspace(0, 0.04 * (frames - 1), frames)[:, None, None] * [0, 0, 1]
        moved = points + rise
        world = (moved @ transform[:3, :3].T + transform[:3, 3]).astype(np.float32)
        reference = None
        if references != "none":
            mvp = modelview_projection(intrinsics[0], camera[0])
            reference = ReferencePose(k if references == "each" else 0, world[0], mvp)
        cast.append(Character(f"Ball {k}", world, triangles, reference))
    count = {"each": len(centres), "all": 1, "none": 0}[references]
    return Shot(
        fps=Fraction(24000, 1001),
        width=1280,
        height=1024,
        frame_numbers=np.arange(10, 10 + frames * step, step, dtype=np.int32),
        intrinsics=intrinsics,
        camera_to_world=camera,
        characters=tuple(cast),
        references=tuple(picture(seed=k) for k in range(count)),
        frame_reference=0 if references == "all" else None,
        settings=Settings(
            **{"model": "micro", "width": 48, "height": 32, "steps": 2, "guidance": 2.0, **settings}
        ),
    )
