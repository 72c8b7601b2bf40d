"""Contact shadows: is the ground around the feet as dark as the cast above makes it?"""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.evaluation.measures.ground import ground_places

# Shadows are looked for around the feet within this share of the figure's height.
_REACH = 0.5
# The feet are this share of a figure's points, the lowest ones.
_FEET = 0.05
# A mean square of the shadow on that ground that is too small to be found in a video.
_FAINTEST = 1e-3


def ground_about_feet(clip: Clip) -> Tensor:
    """The pixels that show ground, and nobody, within half a figure's height of the place below its feet:
    ``(F, H, W)`` bool."""
    ground, meets = ground_places(clip)
    points = clip.points.double()
    tall = (points[..., 2].amax(2) - points[..., 2].amin(2)).median(0).values
    lowest = points[..., 2].topk(max(1, round(_FEET * points.shape[2])), dim=2, largest=False).indices
    feet = points[..., :2].gather(2, lowest[..., None].expand(-1, -1, -1, 2))
    near = torch.zeros_like(clip.mask, dtype=torch.bool)
    for frame in range(len(feet)):
        away = torch.cdist(ground[frame, ..., :2].flatten(0, 1), feet[frame].flatten(0, 1))
        reach = (_REACH * tall).repeat_interleave(feet.shape[2])
        near[frame] = (away < reach).any(1).view(near.shape[1:])
    # Pixels beside a figure are left out too: they may show a part of its edge.
    figures = F.max_pool2d((clip.mask > 0).float(), 3, 1, 1) > 0
    return near & meets & ~figures


def shadow_kept(video: Tensor, clip: Clip) -> float | None:
    """How much of the cast's shadow on that ground a video shows: 1 as dark as the render's, 0 none.

    ``Σ (I − B) · (I* − B) / Σ ‖I* − B‖²`` with the video I, the render I* and the background B.

    Args:
        video: ``(3, F, H, W)``, of the clip.

    Returns:
        None where the render shows no shadow.
    """
    where = ground_about_feet(clip)
    if not where.any():
        return None
    background = clip.background[:, where]
    shadow = clip.video[:, where] - background
    if shadow.square().mean() < _FAINTEST:
        return None
    return ((video[:, where] - background) * shadow).sum().div(shadow.square().sum()).item()
