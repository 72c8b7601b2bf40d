"""A captured performance as its file has it: joints, bone lengths, rest pose and axes of its own."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Capture:
    """A captured performance of F frames and J joints, parents before children; lengths in the file's units.

    Attributes:
        name: of the performance.
        where: the file, for errors.
        fps: frames a second.
        joints: names, as in the file.
        parents: ``(J,)``, −1 for the root.
        offsets: ``(J, 3)`` from the parent at rest, in the file's axes; zero for the root.
        rotations: ``(F, J, 3, 3)`` relative to the parent, identity at rest; axes as at rest.
        translation: ``(F, 3)`` of the root.
        travel: joint → ``(F, 3)``, its place from its parent on each frame, in place of its offset. It is for
            joints that are moved as well as turned: hips below a root that stays where it is.
    """

    name: str
    where: str
    fps: float
    joints: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    rotations: np.ndarray
    translation: np.ndarray
    travel: dict[int, np.ndarray]

    def at_rest(self) -> np.ndarray:
        """Places ``(J, 3)`` of the joints at rest, relative to the root."""
        rest = np.zeros_like(self.offsets)
        for j, parent in enumerate(self.parents):
            rest[j] = self.offsets[j] + (rest[parent] if parent >= 0 else 0)
        return rest

    def forward_kinematics(self) -> tuple[np.ndarray, np.ndarray]:
        """Global orientations ``(F, J, 3, 3)`` and places ``(F, J, 3)``."""
        turned = self.rotations.copy()
        placed = np.repeat(self.translation[:, None], len(self.joints), 1)
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                offset = self.travel.get(j, self.offsets[j][None])
                turned[:, j] = turned[:, parent] @ self.rotations[:, j]
                placed[:, j] = placed[:, parent] + (turned[:, parent] @ offset[..., None])[..., 0]
        return turned, placed

    def above(self, joint: int) -> list[int]:
        """The joints from the root to this one, itself included."""
        path = [joint]
        while self.parents[path[0]] >= 0:
            path.insert(0, int(self.parents[path[0]]))
        return path
