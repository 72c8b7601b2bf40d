"""BVH: a hierarchy of joints with offsets and channels, then a table of numbers, a row a frame.

The format was never written down by a standard, so files differ: in how the text is encoded, in capitals, in
decimal commas, in whether a row more or less than announced follows. Such a file is read wherever it can mean
only one thing, and refused otherwise.
"""

import codecs
import os
import re
from pathlib import Path

import numpy as np

from isa_engine.body.model.rotation import matrices
from isa_engine.body.motions.capture import Capture
from isa_engine.body.motions.joint_names import counterparts
from isa_engine.errors import BodyError

_AXES = {"xrotation": 0, "yrotation": 1, "zrotation": 2}
_POSITIONS = {"xposition": 0, "yposition": 1, "zposition": 2}
_AGAIN = "Export the file again."
_EXCERPT = 80
_TABLE = re.compile(r"\s*Frames\s*:\s*(\S+)\s+Frame\s*Time\s*:\s*(\S+)(.*)", re.IGNORECASE | re.DOTALL)


def read_bvh(path: str | os.PathLike) -> Capture:
    """Read a performance. Position channels move the root and the joints between it and the hips; those of
    all other joints are ignored, since bones keep their lengths.

    Raises:
        BodyError: the file is truncated or not a BVH, or shows more than one person; names the place.
    """
    where = str(path)
    head, table = _parts(Path(path), where)
    skeleton = _Skeleton(head.split(), where)
    fps, values = _table(table, sum(map(len, skeleton.channels)), where)
    person = _person(skeleton, where)

    count = len(skeleton.joints)
    rotations = np.tile(np.eye(3), (len(values), count, 1, 1))
    places = np.tile(skeleton.offsets, (len(values), 1, 1))
    moved = set()
    column = 0
    for j, channels in enumerate(skeleton.channels):
        for channel in channels:
            if channel in _AXES:
                angle = np.radians(values[:, column])
                turn = matrices(angle[:, None] * np.eye(3)[_AXES[channel]])
                # Of a joint's rotations, the first channel's is applied last.
                rotations[:, j] = rotations[:, j] @ turn
            else:
                places[:, j, _POSITIONS[channel]] = values[:, column]
                moved.add(j)
            column += 1

    root = person[0]
    number = {j: k for k, j in enumerate(person)}
    joints = [skeleton.joints[j] for j in person]
    offsets = np.array([skeleton.offsets[j] for j in person])
    offsets[0] = 0.0
    capture = Capture(
        name=Path(path).stem,
        where=where,
        fps=fps,
        joints=tuple(joints),
        parents=np.array([number.get(skeleton.parents[j], -1) for j in person]),
        offsets=offsets,
        rotations=rotations[:, person],
        # Where the root has no position channels it stays at its offset.
        translation=places[:, root],
        travel={},
    )
    carriers = capture.above(counterparts(joints, where)["pelvis"])[1:]
    capture.travel.update({k: places[:, person[k]] for k in carriers if person[k] in moved})
    return capture


def _parts(path: Path, where: str) -> tuple[str, str]:
    """The text of the hierarchy and that of the table, without the words that begin them."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BodyError(f"cannot read the motion: {error.strerror}", where=where) from error
    # Editors on Windows write UTF-16 with a byte-order mark; read as plain text, every second byte is zero.
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    text = data.decode("utf-16" if data.startswith(marks) else "utf-8-sig", errors="replace")
    parts = re.fullmatch(r"\s*HIERARCHY\b(.*?)\bMOTION\b(.*)", text, re.IGNORECASE | re.DOTALL)
    if parts is None:
        raise BodyError("'HIERARCHY' and 'MOTION' are missing", where=where, remedy="Choose a BVH file.")
    if "." not in parts[2] and re.search(r"\d,\d", parts[2]):
        # Written by a program whose language has a comma for the decimal point.
        return parts[1].replace(",", "."), parts[2].replace(",", ".")
    return parts[1], parts[2]


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
            raise BodyError(problem, where=where, remedy=_AGAIN) from error

    def _read(self, words) -> None:
        open_joints: list[int] = []  # the braces that are open, by joint; −1 is an end site's
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
        if open_joints or not self.joints:
            raise ValueError("unbalanced")

    def trees(self) -> list[list[int]]:
        """The joints below each root, and that root."""
        trees: dict[int, list[int]] = {}
        root_of: list[int] = []
        for j, parent in enumerate(self.parents):
            root_of.append(j if parent < 0 else root_of[parent])
            trees.setdefault(root_of[j], []).append(j)
        return list(trees.values())


def _person(skeleton: _Skeleton, where: str) -> list[int]:
    """The joints of the one person in the file; trees of joints that are no person's are props.

    Raises:
        BodyError: there are several people, or none.
    """
    trees = skeleton.trees()
    if len(trees) == 1:
        return trees[0]
    people = []
    for tree in trees:
        try:
            counterparts([skeleton.joints[j] for j in tree], where)
        except BodyError:
            continue
        people.append(tree)
    if len(people) == 1:
        return people[0]
    roots = ", ".join(f"'{skeleton.joints[tree[0]]}'" for tree in people or trees)
    if people:
        problem, remedy = (
            f"{len(people)} people are in the file: {roots}",
            "Export each to a file of its own.",
        )
    else:
        problem, remedy = f"none of the roots is a person's: {roots}", "Choose a motion of a whole person."
    raise BodyError(problem, where=where, remedy=remedy)


def _table(text: str, channels: int, where: str) -> tuple[float, np.ndarray]:
    """Frames a second, and the numbers ``(F, channels)``."""
    found = _TABLE.fullmatch(text)
    try:
        if found is None:
            raise ValueError("'Frames:' and 'Frame Time:' do not begin it")
        announced, interval = int(found[1]), float(found[2])
        values = np.array(found[3].split(), np.float64)
    except ValueError as error:
        # Where numbers are not separated by blanks, a whole row would stand in the sentence.
        problem = f"the table after MOTION does not read: {str(error)[:_EXCERPT]}"
        raise BodyError(problem, where=where, remedy=_AGAIN) from error
    if not 1e-4 < interval < 1:
        remedy = "Set its Frame Time to seconds: 0.0083333 at 120 frames a second."
        raise BodyError(f"the frames are {interval:g} s apart", where=where, remedy=remedy)
    frames, broken = divmod(values.size, max(1, channels))
    # Some programs count one row too few or too many; a file that breaks off lacks more than that.
    if broken or not frames or abs(frames - announced) > 1:
        problem = f"{values.size} numbers, but {announced} frames of {channels} channels are announced"
        raise BodyError(problem, where=where, remedy="The file is truncated; copy or export it again.")
    if not np.isfinite(values).all():
        raise BodyError("some of the numbers are not finite", where=where, remedy=_AGAIN)
    return 1 / interval, values.reshape(frames, channels)
