"""BVH: a hierarchy of joints with offsets and channels, then a table of numbers, a row a frame."""

import os
from pathlib import Path

import numpy as np

from isa_engine.body.retarget import Take
from isa_engine.body.rotation import matrices
from isa_engine.errors import BodyError

_AXES = {"xrotation": 0, "yrotation": 1, "zrotation": 2}
_POSITIONS = ("xposition", "yposition", "zposition")


def read_bvh(path: str | os.PathLike) -> Take:
    """Read a take. Only the root travels: position channels of other joints are passed over.

    Raises:
        BodyError: the file is truncated or not a BVH; names the place.
    """
    where = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BodyError(f"cannot read the motion: {error.strerror}", where=where) from error
    head, found, table = text.partition("MOTION")
    if not found or not head.strip().startswith("HIERARCHY"):
        raise BodyError("'HIERARCHY' and 'MOTION' are not in it", where=where, remedy="Choose a BVH file.")
    skeleton = _Skeleton(head.split()[1:], where)
    fps, values = _table(table, sum(map(len, skeleton.channels)), where)

    frames = len(values)
    rotations = np.tile(np.eye(3), (frames, len(skeleton.joints), 1, 1))
    translation = np.zeros((frames, 3))
    column = 0
    for j, channels in enumerate(skeleton.channels):
        for channel in channels:
            if channel in _AXES:
                angle = np.radians(values[:, column])
                turn = matrices(angle[:, None] * np.eye(3)[_AXES[channel]])
                # The first channel is outermost.
                rotations[:, j] = rotations[:, j] @ turn
            elif j == 0:
                translation[:, _POSITIONS.index(channel)] = values[:, column]
            column += 1
    offsets = np.array(skeleton.offsets)
    offsets[0] = 0.0
    return Take(
        name=Path(path).stem,
        where=where,
        fps=fps,
        joints=tuple(skeleton.joints),
        parents=np.array(skeleton.parents),
        offsets=offsets,
        rotations=rotations,
        translation=translation,
    )


class _Skeleton:
    """The hierarchy: ``joints``, ``parents``, ``offsets`` and ``channels``, in the order of the table."""

    def __init__(self, words: list[str], where: str):
        self.joints: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.channels: list[list[str]] = []
        try:
            self._read(iter(words))
        except (StopIteration, ValueError, IndexError) as error:
            last = f" after joint '{self.joints[-1]}'" if self.joints else ""
            problem = f"the hierarchy does not read{last}"
            raise BodyError(problem, where=where, remedy="Export the file again.") from error

    def _read(self, words) -> None:
        open_joints: list[int] = []  # −1 stands for an end site
        for word in words:
            kind = word.upper()
            if kind in ("ROOT", "JOINT"):
                self.parents.append(open_joints[-1] if open_joints else -1)
                open_joints.append(len(self.joints))
                # A name may hold spaces: it ends at the brace.
                self.joints.append(" ".join(iter(words.__next__, "{")))
                self.offsets.append([0.0, 0.0, 0.0])
                self.channels.append([])
            elif kind == "END":
                while next(words) != "{":
                    pass
                open_joints.append(-1)
            elif kind == "OFFSET":
                offset = [float(next(words)) for _ in range(3)]
                if open_joints[-1] >= 0:
                    self.offsets[open_joints[-1]] = offset
            elif kind == "CHANNELS":
                channels = [next(words).lower() for _ in range(int(next(words)))]
                if not set(channels) <= {*_AXES, *_POSITIONS}:
                    raise ValueError(channels)
                self.channels[open_joints[-1]] = channels
            elif kind == "}":
                open_joints.pop()
            else:
                raise ValueError(word)
        if open_joints or not self.joints or self.parents.count(-1) != 1:
            raise ValueError("unbalanced")


def _table(text: str, channels: int, where: str) -> tuple[float, np.ndarray]:
    """Frames a second, and the numbers ``(F, channels)``."""
    words = text.replace("Frames:", " ").replace("Frame Time:", " ").split()
    try:
        frames, interval = int(words[0]), float(words[1])
        values = np.array(words[2:], np.float64)
    except (IndexError, ValueError) as error:
        problem = f"the table after MOTION does not read: {error}"
        raise BodyError(problem, where=where, remedy="Export the file again.") from error
    if not 1e-4 < interval < 10:
        raise BodyError(f"its frames are {interval} s apart", where=where)
    if frames < 1 or values.size != frames * channels:
        problem = f"{values.size} numbers, but {frames} frames of {channels} channels are announced"
        raise BodyError(problem, where=where, remedy="The file is truncated; copy or export it again.")
    if not np.isfinite(values).all():
        raise BodyError("some of the numbers are not finite", where=where, remedy="Export the file again.")
    return 1 / interval, values.reshape(frames, channels)
