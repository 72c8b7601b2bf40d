"""The ground in a clip's pictures: every set stands on the plane z = 0, so the camera alone says where."""

from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.geometry.plucker import ray_directions

# Rays that fall less steeply meet the ground at the horizon.
_SLOPE = 1e-3


def ground_places(clip: Clip) -> tuple[Tensor, Tensor]:
    """Where each pixel's ray meets the ground, were nothing before it: ``(F, H, W, 3)`` metres, double
    precision; and whether it does, ``(F, H, W)`` bool, elsewhere the place means nothing."""
    height, width = clip.video.shape[2:]
    camera = clip.camera_to_world.double()
    rays = ray_directions(clip.intrinsics.double(), camera, height, width)
    origin, down = camera[:, None, None, :3, 3], -rays[..., 2]
    return origin + rays * (origin[..., 2] / down.clamp_min(1e-6))[..., None], down > _SLOPE
