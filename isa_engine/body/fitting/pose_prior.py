"""The pose prior: a Gaussian over poses of the body, baked from the bundled clips."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

PRIOR = Path(__file__).with_name("pose_prior.npz")


@dataclass(frozen=True)
class PosePrior:
    """A Gaussian over poses of the body.

    Attributes:
        mean: ``(63,)`` axis-angle of joints 1 to 21.
        whitening: ``(63, 63)``; ``whitening @ (pose − mean)`` has unit covariance.
    """

    mean: np.ndarray
    whitening: np.ndarray


@lru_cache(maxsize=1)
def pose_prior() -> PosePrior:
    """The bundled prior, read once."""
    with np.load(PRIOR, allow_pickle=False) as file:
        return PosePrior(file["mean"].astype(np.float64), file["whitening"].astype(np.float64))
