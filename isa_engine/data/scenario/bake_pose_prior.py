"""Bake ``body/fitting/pose_prior.npz``: ``python -m isa_engine.data.scenario.bake_pose_prior``.

It is made from the clips that training sees and their mirror images; what is held out stays unseen.
"""

import numpy as np

from isa_engine.body import bundled_motion
from isa_engine.body.fitting.keypoints import BODY_JOINTS
from isa_engine.body.fitting.pose_prior import PRIOR, PosePrior
from isa_engine.body.model.skeleton import mirrored
from isa_engine.data.scenario.split import TRAINING

_SIZE = 3 * (BODY_JOINTS - 1)
# Radians that each angle varies by itself: so few clips leave most directions without any spread.
_FREEDOM = 0.2


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


def main() -> None:
    """Bake and write the file."""
    prior = bake(TRAINING.motions)
    np.savez_compressed(PRIOR, mean=np.float32(prior.mean), whitening=np.float32(prior.whitening))
    print(f"{PRIOR}: from {', '.join(TRAINING.motions)}")


if __name__ == "__main__":
    main()
