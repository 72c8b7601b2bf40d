"""Random motion: captured ones, cut, sped up and mirrored, and procedural movement for what they lack."""

from dataclasses import replace

import numpy as np

from isa_engine.body import SMPLX_JOINTS, Motion
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.body.model.skeleton import mirrored

# Amplitudes in radians of procedural movement about each local axis: what a joint does, not what it could.
_AMPLITUDES = {
    "hip": (0.8, 0.25, 0.3),
    "knee": (0.9, 0.0, 0.0),
    "spine": (0.2, 0.25, 0.12),
    "neck": (0.25, 0.35, 0.15),
    "head": (0.25, 0.35, 0.15),
    "collar": (0.1, 0.1, 0.15),
    "shoulder": (0.6, 0.8, 0.9),
    "elbow": (0.2, 1.1, 0.2),
    "wrist": (0.4, 0.3, 0.4),
}


def random_motion(
    random: np.random.Generator, motions: tuple[Motion, ...], procedural: float, frames: int, fps: float
) -> tuple[str, np.ndarray, np.ndarray]:
    """A motion of exactly this length.

    Args:
        procedural: share of motions that are made up instead of cut from one of ``motions``.

    Returns:
        The motion's name, "procedural" for none; rotations ``(F, 55, 3)`` axis-angle and translation
        ``(F, 3)`` metres, SMPL-X axes, starting at the origin with a random heading. The feet's height is
        the caller's business.
    """
    if random.random() >= procedural:
        motion = motions[random.integers(len(motions))]
        name, (rotations, translation) = motion.name, _cut(random, motion, frames, fps)
    else:
        name = "procedural"
        rotations, translation = _procedural(random, frames, fps)
    if random.random() < 0.5:
        rotations = mirrored(rotations)
        translation = translation * [-1, 1, 1]
    rotations[:, 25:] += random.normal(0, 0.15, (30, 3)) + np.repeat([[0, 0, -0.3], [0, 0, 0.3]], 15, axis=0)
    turned = _turned(rotations, translation - translation[:1] * [1, 0, 1], random.uniform(0, 2 * np.pi))
    return name, *turned


def random_place(random: np.random.Generator, slot: int, count: int) -> np.ndarray:
    """Where one of ``count`` people begins: ``(3,)`` metres, SMPL-X axes, about a circle so small that they
    hide one another at times."""
    bearing = 2 * np.pi * slot / count + random.normal(0, 0.4)
    reach = 0.0 if count == 1 else random.uniform(0.35, 0.5 + 0.25 * count)
    return np.array([np.cos(bearing) * reach, 0, np.sin(bearing) * reach])


def _cut(
    random: np.random.Generator, motion: Motion, frames: int, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    speed = random.uniform(0.7, 1.5)
    # Only what is shown is resampled: it is the slow part.
    needed = int(np.ceil((frames - 1) * speed * motion.fps / fps)) + 2
    start = random.integers(max(1, len(motion.rotations) - needed + 1))
    shown = slice(start, start + needed)
    sped_up = replace(
        motion, rotations=motion.rotations[shown], translation=motion.translation[shown]
    ).resampled(fps / speed)
    index = np.minimum(np.arange(frames), len(sped_up.rotations) - 1)
    return sped_up.rotations[index].astype(np.float64), sped_up.translation[index].astype(np.float64)


def _procedural(random: np.random.Generator, frames: int, fps: float) -> tuple[np.ndarray, np.ndarray]:
    time = np.arange(frames)[:, None, None] / fps
    amplitude = np.zeros((55, 3))
    for j, name in enumerate(SMPLX_JOINTS[:22]):
        part = name.replace("left_", "").replace("right_", "").rstrip("123")
        amplitude[j] = _AMPLITUDES.get(part, (0, 0, 0))
    still = random.normal(size=(55, 3)) * amplitude * 0.45
    rate, phase = random.uniform(0.8, 6, (55, 3)), random.uniform(0, 2 * np.pi, (55, 3))
    moving = random.normal(size=(55, 3)) * amplitude * 0.5
    rotations = still + moving * np.sin(rate * time + phase)
    for knee in (4, 5):
        rotations[:, knee, 0] = np.abs(rotations[:, knee, 0])
    # SMPL-X rests in a T; people rest with their arms down.
    lowered = random.uniform(0.2, 1.2)
    rotations[:, 16, 2] -= lowered
    rotations[:, 17, 2] += lowered
    rotations[:, 0, 1] += random.normal(0, 0.8) * time[:, 0, 0]
    drift = random.normal(0, 0.3, 3) * [1, 0, 1]
    translation = drift * time[:, 0] + [0, 1, 0] * (0.04 * np.sin(random.uniform(2, 8) * time[:, 0]))
    return rotations, translation


def _turned(rotations: np.ndarray, translation: np.ndarray, heading: float) -> tuple[np.ndarray, np.ndarray]:
    """Turn the whole motion about the vertical (Y of SMPL-X)."""
    turn = matrices(np.array([0, heading, 0]))
    rotations = rotations.copy()
    rotations[:, 0] = axis_angles(turn @ matrices(rotations[:, 0]))
    return rotations, translation @ turn.T
