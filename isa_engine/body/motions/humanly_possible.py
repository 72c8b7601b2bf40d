"""Whether a body can do what a motion says; if not, the file was read by a convention that is not its own."""

import numpy as np

from isa_engine.body.model.body_model import BodyModel
from isa_engine.body.model.skeleton import SMPLX_JOINTS
from isa_engine.body.motions.motion import Motion
from isa_engine.errors import BodyError

# Joints of the body: fingers, jaw and eyes turn less, and do not matter as much.
_BODY_JOINTS = 22
# No joint but the pelvis turns by more than so many degrees from the rest pose. A share of frames may all the
# same: trackers err, and an arm that is swung behind the back comes close for a moment.
_FARTHEST, _SHARE = 150.0, 0.5
# Degrees that no axis-angle reaches, and that angles in degrees taken for radians pass at once.
_TURNS = 720.0
# Metres a second, on average over a motion, and metres above the ground on all frames: beyond these, which no
# walker reaches, places are in centimetres or millimetres.
_FASTEST, _HIGHEST = 50.0, 30.0
# Frames looked at to find where the body is.
_FRAMES = 60


def check_humanly_possible(motion: Motion, body: BodyModel, where: str) -> None:
    """Refuse a motion that no body can do.

    Args:
        where: the file, for the error.

    Raises:
        BodyError: a number is not finite, a joint is turned as no joint turns, places are in another unit, or
            the whole body stays below the ground.
    """
    if not (np.isfinite(motion.rotations).all() and np.isfinite(motion.translation).all()):
        remedy = "Export the motion again."
        raise BodyError("some rotations or places are not finite numbers", where=where, remedy=remedy)
    angles = np.degrees(np.linalg.norm(motion.rotations[:, 1:_BODY_JOINTS], axis=-1))
    if angles.max() > _TURNS:
        problem = f"the motion turns a joint by {angles.max():.0f}°: its angles seem to be in degrees"
        raise BodyError(problem, where=where, remedy="Export them in radians.")
    # A turn of 200° one way is one of 160° the other way.
    angles = np.abs((angles + 180) % 360 - 180)
    share = (angles > _FARTHEST).mean(0)
    if share.max() > _SHARE:
        joint = SMPLX_JOINTS[1 + int(share.argmax())].replace("_", " ")
        problem = (
            f"the motion turns the {joint} by more than {_FARTHEST:.0f}° on {share.max():.0%} of its frames"
        )
        remedy = "Export it again with its skeleton in T-pose at rest."
        raise BodyError(problem, where=where, remedy=remedy)
    # Some files hold poses only, without a place, and have the origin at the chest. They are let through: not
    # all of the body is then below zero.
    frames = np.unique(np.linspace(0, len(motion.rotations) - 1, _FRAMES).round().astype(int))
    rotations, translation = motion.rotations[frames], motion.translation[frames]
    joints = body.pose(rotations=rotations, translation=translation, vertices=slice(0, 1))[1]
    steps = np.linalg.norm(np.diff(motion.translation, axis=0), axis=1)
    speed = motion.fps * (steps.mean() if len(steps) else 0.0)
    lowest, highest = joints[..., 1].min(), joints[..., 1].max()
    if speed > _FASTEST or lowest > _HIGHEST:
        problem = (
            f"the motion travels at {speed:.0f} m/s, never lower than {lowest:.0f} m: its unit is no meter"
        )
        raise BodyError(problem, where=where, remedy="Export its places in meters.")
    if highest < 0:
        problem = (
            f"the body is below the ground from head to foot on all frames, by {-highest:.2f} m and more"
        )
        remedy = "Put the body on the ground (y = 0, or z = 0 in AMASS's world) where it was made."
        raise BodyError(problem, where=where, remedy=remedy)
