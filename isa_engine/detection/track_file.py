"""How people move in a video, as a file (``detected.npz``) that the import of tracked people reads."""

from pathlib import Path

import numpy as np

from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.detection.performance import Performance
from isa_engine.errors import DataError, reason
from isa_engine.whole_file import whole_file

# From a view's axes (Y up, −Z ahead) to OpenCV's (Y down, Z ahead), in which track files are.
_TO_CAMERA = np.diag([1.0, -1.0, -1.0])


def write_tracks(path: Path, people: list[Performance], size: tuple[int, int], rate: float) -> None:
    """Write the file, with R rows, one for each person and frame.

    It holds ``id`` and ``frame``, ``(R,)``; ``rotations``, ``(R, 55, 3)`` axis-angle, and ``pelvis``,
    ``(R, 3)`` metres, in the camera's axes (x right, y down, z ahead); ``focal``, the focal length that was
    assumed, as a multiple of the frame's width; ``size``, width and height in pixels; ``rate``, frames a
    second.

    Raises:
        DataError: it cannot be written.
    """
    counts = [len(one.frames) for one in people]
    rotations = np.concatenate([one.rotations for one in people])
    rotations[:, 0] = axis_angles(_TO_CAMERA @ matrices(rotations[:, 0]))
    arrays = {
        "id": np.repeat(np.array([one.person for one in people], np.int64), counts),
        "frame": np.concatenate([one.frames for one in people]),
        "rotations": rotations.astype(np.float32),
        "pelvis": (np.concatenate([one.pelvis for one in people]) @ _TO_CAMERA).astype(np.float32),
        "focal": np.array(np.hypot(*size) / size[0]),
        "size": np.array(size),
        "rate": np.array(rate),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial, open(partial, "wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise DataError(f"the tracks cannot be written: {reason(error)}", where=str(path)) from error
