"""The same made-up take written as ASF/AMC, as BVH, and with other names, axes and rest poses."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

# A skeleton with CMU's names: bone, parent, where its far end is from its near end (inches), and its axis
# in degrees. Legs are apart at rest, arms are out.
CMU = (
    ("lhipjoint", "root", (3, -3, 0), (0, 0, 0)),
    ("lfemur", "lhipjoint", (6, -15, 0), (0, 0, 20)),
    ("ltibia", "lfemur", (6, -15, 0), (0, 0, 20)),
    ("lfoot", "ltibia", (0, -1, 6), (-90, 0, 20)),
    ("ltoes", "lfoot", (0, 0, 2), (-90, 0, 20)),
    ("rhipjoint", "root", (-3, -3, 0), (0, 0, 0)),
    ("rfemur", "rhipjoint", (-6, -15, 0), (0, 0, -20)),
    ("rtibia", "rfemur", (-6, -15, 0), (0, 0, -20)),
    ("rfoot", "rtibia", (0, -1, 6), (-90, 0, -20)),
    ("rtoes", "rfoot", (0, 0, 2), (-90, 0, -20)),
    ("lowerback", "root", (0, 4, 0), (0, 0, 0)),
    ("upperback", "lowerback", (0, 4, 0), (0, 0, 0)),
    ("thorax", "upperback", (0, 4, 0), (0, 0, 0)),
    ("lowerneck", "thorax", (0, 3, 0), (0, 0, 0)),
    ("upperneck", "lowerneck", (0, 3, 0), (0, 0, 0)),
    ("head", "upperneck", (0, 3, 0), (0, 0, 0)),
    ("lclavicle", "thorax", (7, 3, 0), (0, 0, 0)),
    ("lhumerus", "lclavicle", (11, 0, 0), (180, -30, -90)),
    ("lradius", "lhumerus", (7, 0, 0), (180, -30, -90)),
    ("lwrist", "lradius", (3, 0, 0), (0, 90, 90)),
    ("lhand", "lwrist", (2, 0, 0), (0, 90, 90)),
    ("lfingers", "lhand", (1, 0, 0), (0, 90, 90)),
    ("rclavicle", "thorax", (-7, 3, 0), (0, 0, 0)),
    ("rhumerus", "rclavicle", (-11, 0, 0), (180, 30, 90)),
    ("rradius", "rhumerus", (-7, 0, 0), (180, 30, 90)),
    ("rwrist", "rradius", (-3, 0, 0), (0, -90, -90)),
    ("rhand", "rwrist", (-2, 0, 0), (0, -90, -90)),
    ("rfingers", "rhand", (-1, 0, 0), (0, -90, -90)),
)


@dataclass(frozen=True)
class Capture:
    """Angles ``(F, bones, 3)`` in degrees about each bone's axes, fixed x then y then z; the root's first."""

    angles: np.ndarray
    path: np.ndarray

    @classmethod
    def at_random(cls, frames: int, seed: int = 0) -> "Capture":
        random = np.random.default_rng(seed)
        path = np.array([20, 40, -10]) + np.cumsum(random.normal(0, 1, (frames, 3)), 0)
        return cls(random.normal(0, 25, (frames, 1 + len(CMU), 3)), path)


def write_asf_amc(capture: Capture, folder: Path) -> Path:
    """``07.asf`` and ``07_01.amc``; the path of the latter."""
    bones = ""
    for name, _, end, axis in CMU:
        length = np.linalg.norm(end)
        bones += (
            f"  begin\n     name {name}\n     direction {_words(end / length)}\n     length {length:.9g}\n"
            f"     axis {_words(axis)}  XYZ\n    dof rx ry rz\n    limits (-180 180)\n"
            "           (-180 180)\n           (-180 180)\n  end\n"
        )
    tree = "".join(f"    {parent} {name}\n" for name, parent, _, _ in CMU)
    (folder / "07.asf").write_text(
        ":version 1.10\n:name VICON\n:units\n  mass 1.0\n  length 0.45\n  angle deg\n"
        ":documentation\n   made up\n"
        ":root\n   order TX TY TZ RX RY RZ\n   axis XYZ\n   position 0 0 0\n   orientation 0 0 0\n"
        f":bonedata\n{bones}:hierarchy\n  begin\n{tree}  end\n"
    )
    lines = ["# made up", ":FULLY-SPECIFIED", ":DEGREES"]
    for frame, (place, angles) in enumerate(zip(capture.path, capture.angles, strict=True), start=1):
        lines += [str(frame), f"root {_words(place)} {_words(angles[0])}"]
        lines += [f"{bone[0]} {_words(turn)}" for bone, turn in zip(CMU, angles[1:], strict=True)]
    path = folder / "07_01.amc"
    path.write_text("\n".join(lines) + "\n")
    return path


def local_rotations(capture: Capture) -> dict[str, np.ndarray]:
    """Each joint's rotations ``(F, 3, 3)`` relative to its parent in the rest pose's axes."""
    axes = {"root": (0, 0, 0)} | {name: axis for name, _, _, axis in CMU}
    turned = {}
    for (name, degrees), angles in zip(axes.items(), capture.angles.swapaxes(0, 1), strict=True):
        axis = Rotation.from_euler("xyz", degrees, degrees=True)
        turned[name] = (axis * Rotation.from_euler("xyz", angles, degrees=True) * axis.inv()).as_matrix()
    return turned


def write_bvh(
    capture: Capture,
    path: Path,
    axes: np.ndarray | None = None,
    order: str = "ZXY",
    arms_down: bool = False,
    rest: dict[str, np.ndarray] | None = None,
) -> Path:
    """The same take as BVH.

    Args:
        axes: rotation from the take's axes to those of the file.
        order: of the rotation channels.
        arms_down: let the arms hang at rest, from the shoulders to the fingers.
        rest: rotations of the joints' axes: the same movement by a skeleton that has another rest pose.
    """
    axes = np.eye(3) if axes is None else axes
    ends = {"root": np.zeros(3)} | {name: np.array(end, float) for name, _, end, _ in CMU}
    if arms_down:
        for bone in ("humerus", "radius", "wrist", "hand", "fingers"):
            for side in "lr":
                ends[side + bone] = np.array([0, -np.linalg.norm(ends[side + bone]), 0])
    rest = rest or {name: np.eye(3) for name in ends}
    parents = {name: parent for name, parent, _, _ in CMU}
    names: list[str] = []

    def joint(name: str, parent: str | None) -> str:
        names.append(name)
        positions = "" if parent else "Xposition Yposition Zposition "
        channels = positions + " ".join(f"{axis}rotation" for axis in order)
        inside = "".join(joint(child, name) for child, of, _, _ in CMU if of == name)
        inside = inside or f"End Site\n{{\nOFFSET {_words(axes @ rest[name].T @ ends[name])}\n}}\n"
        offset = rest[parent].T @ ends[parent] if parent else np.zeros(3)
        return (
            f"{'JOINT' if parent else 'ROOT'} {name}\n{{\nOFFSET {_words(axes @ offset)}\n"
            f"CHANNELS {len(channels.split())} {channels}\n{inside}}}\n"
        )

    tree = joint("root", None)
    local = {
        name: (rest[parents[name]].T if name in parents else np.eye(3)) @ turn @ rest[name]
        for name, turn in local_rotations(capture).items()
    }
    turns = [Rotation.from_matrix(axes @ local[name] @ axes.T) for name in names]
    # Upper case: each channel about the axes that the ones before it have turned.
    columns = [capture.path @ axes.T, *(turn.as_euler(order.upper(), degrees=True) for turn in turns)]
    rows = "\n".join(_words(row) for row in np.concatenate(columns, 1))
    head = f"HIERARCHY\n{tree}MOTION\nFrames: {len(capture.path)}\nFrame Time: {1 / 120:.9f}\n"
    path.write_text(head + rows + "\n")
    return path


def _words(numbers) -> str:
    return " ".join(f"{number:.9g}" for number in numbers)


def any_rest(seed: int) -> dict[str, np.ndarray]:
    """Axes of the joints for ``write_bvh``, turned at random: at rest, the skeleton is no person."""
    turns = Rotation.random(1 + len(CMU), random_state=seed).as_matrix()
    return dict(zip(["root", *(bone[0] for bone in CMU)], turns, strict=True))


def rewritten(path: Path, change) -> Path:
    """The file with its text changed."""
    path.write_text(change(path.read_text()))
    return path
