"""Where the ground is in a clip's pictures: every set stands on z = 0, so the camera alone tells."""

from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.geometry.plucker import ray_directions

# A ray that falls by less than this part of its length meets the ground too far away to be of use.
_SLOPE = 1e-3


def ground_places(clip: Clip) -> tuple[Tensor, Tensor]:
    """Where each pixel's ray would meet the ground if nothing stood in front of it.

    Returns:
        places ``(F, H, W, 3)`` in metres, double precision, and whether there is one, ``(F, H, W)`` bool;
        where that is false the place is arbitrary.
    """
    height, width = clip.video.shape[2:]
    camera = clip.camera_to_world.double()
    rays = ray_directions(clip.intrinsics.double(), camera, height, width)
    origin, down = camera[:, None, None, :3, 3], -rays[..., 2]
    return origin + rays * (origin[..., 2] / down.clamp_min(1e-6))[..., None], down > _SLOPE
