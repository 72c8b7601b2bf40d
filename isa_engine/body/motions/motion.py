"""A motion: what every joint of an SMPL-X body does over time."""

from dataclasses import dataclass, replace

import numpy as np

from isa_engine.body.model.rotation import interpolate


@dataclass(frozen=True)
class Motion:
    """A motion of F frames in SMPL-X's space: metres, Y up; a body without rotation faces +Z.

    Attributes:
        name: of its file.
        fps: frames a second.
        rotations: ``(F, 55, 3)`` float32, axis-angle of each joint relative to its parent; hands are flat at
            zero.
        translation: ``(F, 3)`` float32, added to the posed body: the pelvis is at its rest place plus this.
        betas: ``(≤16,)`` float32, shape of the captured person in SMPL-X's own shape space; empty if unknown.
        gender: "neutral", "female" or "male": the SMPL-X file that ``betas`` belong to.
    """

    name: str
    fps: float
    rotations: np.ndarray
    translation: np.ndarray
    betas: np.ndarray
    gender: str = "neutral"

    def resampled(self, fps: float) -> "Motion":
        """The same movement at another rate, rotations along the shortest way.

        The first frame stays; the last is the last that fits the motion's duration.
        """
        last = len(self.rotations) - 1
        # Without the small addition a rounding error could drop the last frame.
        count = int(np.floor(last / self.fps * fps + 1e-6)) + 1
        position = np.minimum(np.arange(count) * (self.fps / fps), last)
        before = np.minimum(position.astype(int), max(last - 1, 0))
        after = np.minimum(before + 1, last)
        fraction = position - before
        rotations = interpolate(self.rotations[before], self.rotations[after], fraction[:, None])
        start, end = self.translation[before], self.translation[after]
        translation = start + (end - start) * fraction[:, None]
        return replace(
            self,
            fps=fps,
            rotations=rotations.astype(np.float32),
            translation=translation.astype(np.float32),
        )
