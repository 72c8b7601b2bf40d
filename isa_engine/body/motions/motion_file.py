"""Motion from files: one reader a format, chosen by the file's ending; and the bundled clips."""

import os
from pathlib import Path

from isa_engine.body.model.smplx_file import open_body
from isa_engine.body.motions.asf_amc import read_amc
from isa_engine.body.motions.bvh import read_bvh
from isa_engine.body.motions.humanly_possible import check_humanly_possible
from isa_engine.body.motions.motion import Motion
from isa_engine.body.motions.motion_npz import read_motion
from isa_engine.body.motions.retarget import retarget
from isa_engine.errors import BodyError

CLIPS_FOLDER = Path(__file__).with_name("clips")


def load_motion(path: str | os.PathLike) -> Motion:
    """Read a motion: ``.npz`` of SMPL-X or AMASS, ``.amc`` beside its ``.asf``, or ``.bvh``.

    The motion fits the open body: ASF/AMC and BVH are retargeted to its proportions and put on the ground;
    where AMASS's world is turned to Y up, its translations turn about the open body's pelvis.

    Raises:
        BodyError: names what is missing, truncated, of an unknown kind, or impossible for a body.
    """
    body = open_body()
    suffix = Path(path).suffix.lower()
    if suffix == ".npz":
        motion = read_motion(path, body)
    elif suffix == ".amc":
        motion = retarget(read_amc(path), body)
    elif suffix == ".bvh":
        motion = retarget(read_bvh(path), body)
    else:
        remedy = "Use an .npz (SMPL-X or AMASS), an .amc beside its .asf, or a .bvh."
        problem = f"'{suffix}' is not a format of motion that can be read"
        raise BodyError(problem, where=str(path), remedy=remedy)
    check_humanly_possible(motion, body, str(path))
    return motion


def bundled_motions() -> tuple[str, ...]:
    """Names of the clips that come with the engine (``clips/ATTRIBUTION.md``)."""
    return tuple(sorted(path.stem for path in CLIPS_FOLDER.glob("*.npz")))


def bundled_motion(name: str) -> Motion:
    """A clip that comes with the engine, on the open body.

    Raises:
        BodyError: there is none of that name.
    """
    if name not in bundled_motions():
        remedy = f"Choose one of: {', '.join(bundled_motions())}."
        raise BodyError(f"there is no bundled motion '{name}'", remedy=remedy)
    return load_motion(CLIPS_FOLDER / f"{name}.npz")
