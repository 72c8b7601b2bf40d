"""A recording: a video of posed people as data sets keep it. Numpy only, so that Blender can write one.

F frames, K characters, B shape and E expression components, R references, H W pixels. Pictures are uint8
sRGB; the cast is kept as what poses a body, from which its surface points are made again.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from isa_engine.body import BodyModel
from isa_engine.errors import DataError

MAX_FRAMES, MAX_SIDE, MAX_CHARACTERS = 4096, 8192, 64

_SHAPES = {
    "video": "FHW3",
    "background": "FHW3",
    "mask": "FHW",
    "intrinsics": "F4",
    "camera_to_world": "F44",
    "betas": "KB",
    "rotations": "FKJ3",
    "translation": "FK3",
    "references": "RHW3",
    "reference_of": "K",
    "reference_rotations": "KJ3",
    "reference_translation": "K3",
    "reference_intrinsics": "R4",
    "reference_camera_to_world": "R44",
    "expression": "FKE",
    "reference_expression": "KE",
}
PICTURES = ("video", "background", "references")
# Arrays that only recordings of moving faces have.
FACES = ("expression", "reference_expression")
ARRAYS = tuple(name for name in _SHAPES if name not in PICTURES + FACES)
_KINDS = dict.fromkeys((*PICTURES, "mask"), np.uint8) | {"reference_of": np.int64}


@dataclass(frozen=True)
class Recording:
    """A video of posed people, with everything that is known of it, as it is stored.

    Attributes:
        video, background: ``(F, H, W, 3)`` uint8; the background is the same set without the cast.
        mask: ``(F, H, W)`` uint8: 0 the set, k the k-th character.
        fps: frames a second.
        intrinsics, camera_to_world: ``(F, 4)``, ``(F, 4, 4)``, see ``geometry.camera``.
        camera_known: false where the camera's own movement is unknown and the world is the camera's.
        body: ``fingerprint`` of the body that the parameters pose.
        betas: ``(K, B)`` shape.
        rotations, translation: ``(F, K, J, 3)`` axis-angle of the body's joints and ``(F, K, 3)`` metres, in
            SMPL-X's axes: the world is ``(x, −z, y)`` of them.
        references: ``(R, H, W, 3)`` uint8; ``reference_of`` ``(K,)`` is the picture that shows each
            character.
        reference_rotations, reference_translation: ``(K, J, 3)``, ``(K, 3)``, as posed there.
        reference_intrinsics, reference_camera_to_world: ``(R, 4)``, ``(R, 4, 4)``.
        expression, reference_expression: ``(F, K, E)``, ``(K, E)`` components of faces; at rest if None.
        split: of ``data.scenario.split``, or where a held-out video belongs.
        source: where it came from, for people and for splits; JSON.

        Raises:
            DataError: names the field whose shape, type or values do not fit.
    """

    video: np.ndarray
    background: np.ndarray
    mask: np.ndarray
    fps: float
    intrinsics: np.ndarray
    camera_to_world: np.ndarray
    camera_known: bool
    body: str
    betas: np.ndarray
    rotations: np.ndarray
    translation: np.ndarray
    references: np.ndarray
    reference_of: np.ndarray
    reference_rotations: np.ndarray
    reference_translation: np.ndarray
    reference_intrinsics: np.ndarray
    reference_camera_to_world: np.ndarray
    split: str
    source: dict[str, Any]
    expression: np.ndarray | None = None
    reference_expression: np.ndarray | None = None

    def __post_init__(self):
        sizes: dict[str, int] = {}
        for name, letters in _SHAPES.items():
            value = getattr(self, name)
            if value is None and name in FACES:
                continue
            if value.dtype != _KINDS.get(name, np.float32):
                raise DataError(f"the values are {value.dtype}", where=name)
            if value.ndim != len(letters):
                raise DataError(f"shape {value.shape} does not fit", where=name)
            for letter, size in zip(letters, value.shape, strict=True):
                expected = sizes.setdefault(letter, size) if str(letter).isalpha() else int(letter)
                if size != expected:
                    raise DataError(f"the shape is {value.shape}, but {letter} is {expected}", where=name)
            if value.dtype == np.float32 and not np.isfinite(value).all():
                raise DataError("some of the numbers are not finite", where=name)
        limits = {"F": MAX_FRAMES, "H": MAX_SIDE, "W": MAX_SIDE, "K": MAX_CHARACTERS, "R": MAX_CHARACTERS}
        for letter, limit in limits.items():
            if not 1 <= sizes[letter] <= limit:
                raise DataError(f"{letter} is {sizes[letter]}, beyond 1 to {limit}", where="recording")
        if self.mask.max() > sizes["K"]:
            raise DataError(f"the mask names character {self.mask.max()} of {sizes['K']}", where="mask")
        if not 0 <= self.reference_of.min() <= self.reference_of.max() < sizes["R"]:
            raise DataError("an index points beyond the pictures", where="reference_of")
        if not 0 < self.fps <= 1000:
            raise DataError(f"{self.fps} frames a second are impossible", where="fps")


def fingerprint(body: BodyModel) -> str:
    """A name for exactly this body: shape and pose parameters mean nothing on another one."""
    digest = hashlib.sha256()
    for array in (body.v_template, body.faces, body.shapedirs, body.joint_regressor, body.weights):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
