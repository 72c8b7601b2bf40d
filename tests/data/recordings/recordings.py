"""Small recordings made by hand: pictures of noise, a cast in random poses."""

import numpy as np

from isa_engine.body import open_body
from isa_engine.data.recordings.recording import Recording, fingerprint


def recording(
    frames: int = 5, height: int = 16, width: int = 24, characters: int = 2, seed: int = 0, **changes
) -> Recording:
    random = np.random.default_rng(seed)
    apart = np.arange(characters) * (characters > 1)

    def pictures(count: int) -> np.ndarray:
        return random.integers(0, 256, (count, height, width, 3), np.uint8)

    def camera(count: int) -> tuple[np.ndarray, np.ndarray]:
        # Five metres in front of the cast, level.
        placed = np.array([[1, 0, 0, 0], [0, 0, -1, -5], [0, 1, 0, 0], [0, 0, 0, 1]], np.float32)
        return np.tile(np.array([2, 2, 0, 0], np.float32), (count, 1)), np.tile(placed, (count, 1, 1))

    def numbers(*shape: int) -> np.ndarray:
        return random.normal(0, 0.2, shape).astype(np.float32)

    references = 1 if characters == 1 else characters
    intrinsics, camera_to_world = camera(frames)
    reference_intrinsics, reference_camera_to_world = camera(references)
    fields = {
        "video": pictures(frames),
        "background": pictures(frames),
        "mask": random.integers(0, characters + 1, (frames, height, width), np.uint8),
        "fps": 24.0,
        "intrinsics": intrinsics,
        "camera_to_world": camera_to_world,
        "camera_known": True,
        "body": fingerprint(open_body()),
        "betas": numbers(characters, 10),
        "rotations": numbers(frames, characters, 55, 3),
        "translation": numbers(frames, characters, 3),
        "references": pictures(references),
        "reference_of": apart.astype(np.int64),
        "reference_rotations": numbers(characters, 55, 3),
        "reference_translation": numbers(characters, 3),
        "reference_intrinsics": reference_intrinsics,
        "reference_camera_to_world": reference_camera_to_world,
        "split": "training",
        "source": {"kind": "noise", "seed": seed},
    }
    return Recording(**fields | changes)
