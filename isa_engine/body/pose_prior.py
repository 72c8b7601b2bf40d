"""How people hold themselves: a Gaussian over the body's pose, baked from the bundled clips.

``python -m isa_engine.body.pose_prior`` bakes it again, from the clips that training sees and their mirror
images; what is held out stays unseen.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from isa_engine.body.keypoints import BODY_JOINTS
from isa_engine.body.motion_file import bundled_motion
from isa_engine.body.skeleton import SMPLX_JOINTS

PRIOR = Path(__file__).with_name("pose_prior.npz")
_SIZE = 3 * (BODY_JOINTS - 1)
# Clips are few: each angle may also vary by itself, this much (radians).
_FREEDOM = 0.2
_MIRRORED = [
    SMPLX_JOINTS.index(name.replace("left", "@").replace("right", "left").replace("@", "right"))
    for name in SMPLX_JOINTS[:BODY_JOINTS]
]


@dataclass(frozen=True)
class PosePrior:
    """Attributes:
    mean: ``(63,)`` axis-angle of joints 1 to 21.
    whitening: ``(63, 63)``; ``whitening @ (pose − mean)`` has unit covariance.
    """

    mean: np.ndarray
    whitening: np.ndarray


@lru_cache(maxsize=1)
def pose_prior() -> PosePrior:
    """The baked prior."""
    with np.load(PRIOR, allow_pickle=False) as file:
        return PosePrior(file["mean"].astype(np.float64), file["whitening"].astype(np.float64))


def bake(clips: tuple[str, ...]) -> PosePrior:
    """The prior of some bundled clips; each counts alike, however long."""
    poses = []
    for clip in clips:
        rotations = bundled_motion(clip).rotations[:, :BODY_JOINTS].astype(np.float64)
        both = np.concatenate([rotations, mirrored(rotations)])[:, 1:].reshape(-1, _SIZE)
        poses.append(both)
    mean = np.mean([p.mean(0) for p in poses], 0)
    covariance = np.mean([(p - mean).T @ (p - mean) / len(p) for p in poses], 0)
    covariance += _FREEDOM**2 * np.eye(_SIZE)
    return PosePrior(mean, np.linalg.cholesky(np.linalg.inv(covariance)).T)


def mirrored(rotations: np.ndarray) -> np.ndarray:
    """The poses ``(..., 22, 3)`` of a mirror image: left and right change places."""
    return rotations[..., _MIRRORED, :] * [1, -1, -1]


def main() -> None:
    """Bake and write the file."""
    from isa_engine.data.split import TRAINING

    prior = bake(TRAINING.takes)
    np.savez_compressed(PRIOR, mean=np.float32(prior.mean), whitening=np.float32(prior.whitening))
    print(f"{PRIOR}: from {', '.join(TRAINING.takes)}")


if __name__ == "__main__":
    main()
