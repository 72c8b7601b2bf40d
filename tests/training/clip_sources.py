"""Clips for a feeder's writers, which import them in processes of their own."""

import os
import signal
import threading

import torch

from isa_engine.data.clips.clip import Clip
from isa_engine.geometry.surface import POINTS


def plain_clip(seed: int, frames: int, height: int, width: int, points: int = 4) -> Clip:
    """A clip of ``1 + seed % 4`` people, everything in it a number that its seed gives."""
    cast = 1 + seed % 4
    pictures = torch.full((3, frames, height, width), (seed % 251) / 127.5 - 1)
    pictures[:, :, 0, 0] = torch.arange(frames) / 127.5 - 1
    places = torch.rand(frames, cast, points, 3, generator=torch.Generator().manual_seed(seed)) - 0.5
    camera = torch.eye(4).repeat(frames, 1, 1)
    camera[:, 2, 3] = 4.0
    return Clip(
        video=pictures,
        background=-pictures,
        mask=torch.full((frames, height, width), cast),
        points=places,
        normals=places,
        intrinsics=torch.tensor([[2.0, 2.0, 0.1, 0.0]]).repeat(frames, 1),
        camera_to_world=camera,
        references=pictures[:, :1].transpose(0, 1).repeat(cast, 1, 1, 1),
        reference_of=torch.arange(cast),
        reference_points=places[0],
        reference_intrinsics=torch.tensor([[2.0, 2.0, 0.0, 0.0]]).repeat(cast, 1),
        reference_camera_to_world=camera[:1].repeat(cast, 1, 1),
        fps=24.0,
        camera_known=seed % 3 > 0,
    )


def plain(points: int):
    return lambda seed, *size: plain_clip(seed, *size, points=points)


def of_all_points(points: int):
    assert points == POINTS
    return plain(points)


def deadly(points: int):
    """The clip of seed 2 kills its writer."""

    def clips(seed, *size):
        if seed == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain_clip(seed, *size, points=points)

    return clips


def broken(points: int):
    raise ValueError("no such body")


def one_each(points: int):
    """Each writer tells its process id, makes one clip, and never ends the second."""
    print(f"writer {os.getpid()}", flush=True)
    made = []

    def clips(seed, *size):
        if made:
            threading.Event().wait()
        made.append(seed)
        return plain_clip(seed, *size, points=points)

    return clips
