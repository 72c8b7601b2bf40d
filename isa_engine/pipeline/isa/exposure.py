"""Exposure: how brightly the network is shown a shot.

The people that isa-tiny learned from are darker than those of most scenes, and brighter ones it paints as
something in between: a red shirt brown, a pale face dark. So exposure is set as a photographer sets it, by
the people. Every picture that the network is told is multiplied by one factor, with which the cast is as
bright in its reference pictures as people are that the network paints best:

    exposure = min(1, luminance of the people that it learned from / luminance of the cast)

Latents are close to a linear map of pictures (the bundled encoder's to about a hundredth), so those of
exposed pictures are ``exposure · z + (1 − exposure) · black``, with the latents of a black picture. The
network alone works on these. Outside of it, in the sampler, in previews, in what is kept of a take and before
the decoder, latents are as bright as the scene: ``x_t = (1 − t) · z + t · ε / exposure``.
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from isa_engine.configuration import ModelConfig
from isa_engine.errors import ShotError
from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.pipeline.pictures import decode_picture
from isa_engine.pipeline.sampling import Velocity
from isa_engine.shot import Shot
from isa_engine.vae import VideoVAE

_LUMINANCE = np.array([0.299, 0.587, 0.114]) / 255


def exposure_of(shot: Shot, config: ModelConfig) -> float:
    """A shot's, by the pictures of its cast; 1 where there are none."""
    if config.cast_luminance is None:
        return 1.0
    poses = [character.reference for character in shot.characters if character.reference is not None]
    numbers = sorted({pose.picture for pose in poses})
    told = (
        (numbers.index(pose.picture), *(np.float64(part).tobytes() for part in (pose.points, pose.mvp)))
        for pose in poses
    )
    return set_by(_cast(tuple(shot.references[k] for k in numbers), tuple(told)), config)


def set_by(luminance: float | None, config: ModelConfig) -> float:
    """The exposure for a cast of that luminance, 0 to 1; None: nothing is known of it."""
    if config.cast_luminance is None or not luminance:
        return 1.0
    return min(1.0, config.cast_luminance / luminance)


def cast_luminance(seen: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float | None:
    """The mean luminance of people in pictures, 0 to 1, at those of their points that are within the picture.

    Args:
        seen: of each person the picture, ``(H, W, 3)`` from 0 to 255, and the person's points, ``(N, 3)``,
            before the camera that took it, ``(4, 4)``.

    Returns:
        None where no point is.
    """
    levels = []
    for picture, points, mvp in seen:
        height, width = picture.shape[:2]
        ndc, in_front = project(np.asarray(points, np.float64), mvp)
        within = in_front & (np.abs(ndc[:, :2]) < 1).all(-1)
        columns, rows = np.floor(to_pixels(ndc[within], (width, height))).astype(int).T
        levels.append(picture[rows, columns] @ _LUMINANCE)
    found = np.concatenate([np.zeros(0), *levels])
    return float(found.mean()) if len(found) else None


def exposed(pictures: Tensor, exposure: float) -> Tensor:
    """What the network is shown of pictures, ``(…)`` in [−1, 1], where −1 is black."""
    # Where nothing changes no bit does.
    return pictures if exposure == 1 else (pictures + 1) * exposure - 1


def as_exposed(velocity: Velocity, exposure: float, vae: VideoVAE, height: int, width: int) -> Velocity:
    """The velocity of latents as bright as the scene, asked of a network that is shown exposed ones.

    Args:
        velocity: the network's, ``x0 − ε``.
        vae: with the latents of a black picture.
        height, width: of the canvas, pixels.
    """
    if exposure == 1:
        return velocity
    picture = torch.full((1, 3, 1, height, width), -1.0, device=vae.device)
    offset = (1 - exposure) * vae.normalise(vae.encode(picture).mode())

    def asked(latents: Tensor, time: Tensor, step: int) -> Tensor:
        shown = exposure * latents + (1 - time) * offset
        return (velocity(shown, time, step) - offset) / exposure

    return asked


# Conditions, noise, velocity and record ask for it, and pictures are decoded in a process of their own.
@lru_cache(maxsize=1)
def _cast(pictures: tuple[bytes, ...], poses: tuple[tuple[int, bytes, bytes], ...]) -> float | None:
    """The luminance of a shot's cast.

    Args:
        poses: of each person the number of the picture, the points and the camera's matrix, in float64.
    """
    decoded = {}
    for k, picture in enumerate(pictures):
        try:
            decoded[k] = np.asarray(decode_picture(picture, "reference picture"))
        except ShotError:
            # Whoever needs this picture says so, and whose it is.
            continue
    return cast_luminance(
        (decoded[k], np.frombuffer(points).reshape(-1, 3), np.frombuffer(mvp).reshape(4, 4))
        for k, points, mvp in poses
        if k in decoded
    )
