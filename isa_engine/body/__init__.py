"""Bodies of the SMPL-X layout and their motion; numpy only, since Blender imports it."""

from isa_engine.body.model.body_model import BodyModel
from isa_engine.body.model.skeleton import SMPLX_JOINTS, SMPLX_PARENTS
from isa_engine.body.model.smplx_file import load_body, load_template, open_body
from isa_engine.body.motions.motion import Motion
from isa_engine.body.motions.motion_file import bundled_motion, bundled_motions, load_motion
from isa_engine.body.motions.motion_npz import write_motion

__all__ = [
    "SMPLX_JOINTS",
    "SMPLX_PARENTS",
    "BodyModel",
    "Motion",
    "bundled_motion",
    "bundled_motions",
    "load_body",
    "load_motion",
    "load_template",
    "open_body",
    "write_motion",
]
