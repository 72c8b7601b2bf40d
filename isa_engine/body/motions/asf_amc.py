"""ASF/AMC, the format of the CMU motion capture database: a skeleton's file, and motions in files beside it.

A bone turns about its near end, in axes of its own: with C the bone's ``axis`` and M the rotation by its
``dof`` angles, it turns relative to its parent by C·M·C⁻¹, in the axes of the skeleton at rest.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isa_engine.body.model.rotation import matrices
from isa_engine.body.motions.capture import Capture
from isa_engine.errors import BodyError

# Frames a second. AMC files do not say their rate; the database was captured at this one.
FPS = 120.0

_ROOT_ORDER = ["tx", "ty", "tz", "rx", "ry", "rz"]


@dataclass(frozen=True)
class _Bone:
    """A bone: name, unit direction at rest, length in the file's unit, axis ``(3, 3)``, and the degrees of
    freedom in the order of the motion's columns."""

    name: str
    direction: np.ndarray
    length: float
    axis: np.ndarray
    freedom: tuple[str, ...]


def read_amc(path: str | os.PathLike) -> Capture:
    """Read a motion and the skeleton beside it: ``02_01.amc`` with ``02.asf`` (or ``02_01.asf``).

    Raises:
        BodyError: the skeleton is not there, or a file is not of its format; names the line.
    """
    path = Path(path)
    stems = dict.fromkeys((path.stem, path.stem.partition("_")[0]))
    candidates = [path.with_name(stem + suffix) for stem in stems for suffix in (".asf", ".ASF")]
    skeleton = next((candidate for candidate in candidates if candidate.exists()), None)
    if skeleton is None:
        remedy = f"Put {candidates[-2].name} into the same folder."
        raise BodyError("the take's skeleton is not beside it", where=str(path), remedy=remedy)
    bones, parents = _read_asf(skeleton)
    frames = _read_frames(path, {bone.name: len(bone.freedom) for bone in bones})

    names = [bone.name for bone in bones]
    index = np.array([names.index(parents[name]) if name in parents else -1 for name in names])
    ends = np.array([bone.direction * bone.length for bone in bones])
    rotations = np.empty((len(frames["root"]), len(bones), 3, 3))
    for j, bone in enumerate(bones):
        turn = _in_order(frames[bone.name], bone.freedom)
        rotations[:, j] = bone.axis @ turn @ bone.axis.T
    return Capture(
        name=path.stem,
        where=str(path),
        fps=FPS,
        joints=tuple(names),
        parents=index,
        offsets=np.where(index[:, None] >= 0, ends[index], 0.0),
        rotations=rotations,
        translation=frames["root"][:, :3],
        travel={},
    )


def _read_asf(path: Path) -> tuple[list[_Bone], dict[str, str]]:
    """Bones with the root first and parents before children, and each bone's parent."""
    text = _text(path)
    sections = dict(re.findall(r"^\s*:(\w+)\s*(.*?)(?=^\s*:|\Z)", text, re.M | re.S))
    for section in ("root", "bonedata", "hierarchy"):
        if section not in sections:
            problem = f"the section ':{section}' is missing"
            raise BodyError(problem, where=str(path), remedy="Choose an ASF skeleton.")
    if re.search(r"angle\s+rad", sections.get("units", "")):
        raise BodyError("angles in radians are not read", where=str(path), remedy="Export them in degrees.")
    order = _fields(sections["root"]).get("order", [])
    if [channel.lower() for channel in order] != _ROOT_ORDER:
        problem = f"the root's order is {' '.join(order) or 'missing'}, only TX TY TZ RX RY RZ is read"
        raise BodyError(problem, where=str(path))

    bones = {"root": _Bone("root", np.zeros(3), 0.0, np.eye(3), tuple(_ROOT_ORDER))}
    for block in re.findall(r"begin(.*?)end", sections["bonedata"], re.S):
        fields = _fields(block)
        try:
            name = fields["name"][0]
            bones[name] = _Bone(
                name=name,
                direction=np.array(fields["direction"][:3], float),
                length=float(fields["length"][0]),
                axis=_in_order(np.array([fields["axis"][:3]], float), ("rx", "ry", "rz"))[0],
                freedom=tuple(channel.lower() for channel in fields.get("dof", [])),
            )
        except (KeyError, IndexError, ValueError) as error:
            named = fields.get("name", ["without a name"])[0]
            raise BodyError(f"bone {named} does not read: {error}", where=str(path)) from error
        if not set(bones[name].freedom) <= {"rx", "ry", "rz"}:
            raise BodyError(f"bone {name} does more than turn", where=str(path))

    parents: dict[str, str] = {}
    ordered = [bones["root"]]
    for line in sections["hierarchy"].splitlines():
        parent, *children = line.split() or [""]
        for child in children:
            known = {bone.name for bone in ordered}
            if parent not in known or child not in bones or child in known:
                problem = f"the hierarchy's line '{line.strip()}' does not fit the bones"
                raise BodyError(problem, where=str(path))
            parents[child] = parent
            ordered.append(bones[child])
    return ordered, parents


def _read_frames(path: Path, channels: dict[str, int]) -> dict[str, np.ndarray]:
    """Channels of each bone over time, ``(F, dof)``; bones that do not turn have none."""
    names = {name for name, count in channels.items() if count}
    rows: dict[str, list[list[float]]] = {name: [] for name in channels}
    frames = 0
    for number, line in enumerate(_text(path).splitlines(), start=1):
        where = f"{path}, line {number}"
        words = line.split()
        if not words or words[0][0] in "#:":
            continue
        if len(words) == 1 and words[0].isdigit():
            _check_whole(rows, names, frames, where)
            frames += 1
            continue
        try:
            values = [float(word) for word in words[1:]]
        except ValueError as error:
            raise BodyError(f"'{line.strip()}' are not numbers", where=where) from error
        if words[0] not in names or len(values) != channels[words[0]] or not np.isfinite(values).all():
            remedy = "Use the .asf that belongs to this .amc."
            raise BodyError(f"'{line.strip()}' does not fit the skeleton", where=where, remedy=remedy)
        rows[words[0]].append(values)
    if not frames:
        raise BodyError("there are no frames", where=str(path), remedy="Choose an AMC take.")
    _check_whole(rows, names, frames, str(path))
    return {name: np.array(row) if row else np.zeros((frames, 0)) for name, row in rows.items()}


def _check_whole(rows: dict[str, list], names: set[str], frames: int, where: str) -> None:
    for name in names:
        if len(rows[name]) != frames:
            problem = f"frame {frames} has not one line for bone {name}"
            raise BodyError(problem, where=where, remedy="Copy the file again.")


def _in_order(degrees: np.ndarray, channels: tuple[str, ...]) -> np.ndarray:
    """Rotations ``(F, 3, 3)`` about fixed x, then y, then z; an axis that is no channel does not turn."""
    turn = np.broadcast_to(np.eye(3), (len(degrees), 3, 3))
    for axis, channel in enumerate(("rx", "ry", "rz")):
        if channel in channels:
            angle = np.radians(degrees[:, channels.index(channel)])
            turn = matrices(angle[:, None] * np.eye(3)[axis]) @ turn
    return turn


def _fields(block: str) -> dict[str, list[str]]:
    """A line's first word → the others."""
    lines = [line.split() for line in block.splitlines() if line.strip()]
    return {words[0]: words[1:] for words in lines}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BodyError(f"cannot read the file: {error.strerror}", where=str(path)) from error
