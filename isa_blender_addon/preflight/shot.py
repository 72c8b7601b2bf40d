"""What every frame of a shot that was read tells, without Blender."""

from isa_engine.models import Description, steered_by
from isa_engine.shot import Shot

from .behind_set import check_behind_set
from .camera_motion import check_camera_motion
from .contact import check_contact
from .finding import Finding
from .framing import check_framing
from .references import check_reference_poses
from .set_kept import check_set_kept
from .size import check_size
from .skeletons import check_skeletons
from .viewpoint import check_viewpoint


def check_shot(shot: Shot, model: Description | None = None, keeps: bool = False) -> list[Finding]:
    """What the frames of a shot tell.

    Args:
        model: the shot's; None: it is not known what it reads.
        keeps: whether it will have a background, which stays as it is where nobody is painted.
    """
    told = shot.settings.steering, shot.settings.painted
    steered = () if model is None else steered_by(model, *told)
    return [
        *check_reference_poses(shot),
        *check_size(shot),
        *check_framing(shot),
        *check_behind_set(shot, model),
        *check_viewpoint(shot),
        *check_contact(shot),
        *check_camera_motion(shot),
        *(check_skeletons(shot) if "pose" in steered else ()),
        *(check_set_kept(shot, model) if model is not None and keeps else ()),
    ]
