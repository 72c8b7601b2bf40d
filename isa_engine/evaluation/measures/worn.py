"""What pictures show of a person's surface: the colour at each of its points.

N surface points, F pictures.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.data.rendering.splat import nearest_sample
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project, to_pixels

# Pictures are read in cells of so many pixels a side, since there are too few points for every pixel.
_CELL = 2


@dataclass(frozen=True)
class Worn:
    """The colours of a person's surface points, as pictures show them.

    Attributes:
        colours: ``(N, 3)`` in [0, 1], the mean of the cells that show a point; zero where none does.
        seen: ``(N,)`` in how many cells.
    """

    colours: Tensor
    seen: Tensor


def worn(
    pictures: Tensor,
    mask: Tensor,
    points: Tensor,
    normals: Tensor,
    intrinsics: Tensor,
    camera_to_world: Tensor,
) -> Worn:
    """One person's colours, from cells that lie wholly within the person's mask, so that neither background
    nor anybody in front is read.

    Args:
        pictures: ``(3, F, H, W)`` in [−1, 1].
        mask: ``(F, H, W)`` bool, where the person is.
        points, normals: ``(F, N, 3)``, world.
        intrinsics, camera_to_world: ``(F, 4)``, ``(F, 4, 4)``.
    """
    rows, columns = (side // _CELL for side in mask.shape[1:])
    ndc, in_front = project(points, modelview_projection(intrinsics, camera_to_world).to(points.dtype))
    cells = to_pixels(ndc, (columns, rows))
    ray = points - camera_to_world[:, None, :3, 3]
    turned_away = (ray * normals).sum(-1) > 0
    shown = nearest_sample(cells, ray.norm(dim=-1), in_front, turned_away, rows, columns)
    within = F.avg_pool2d(mask[:, None].to(pictures.dtype), _CELL)[:, 0] == 1
    counts = within & (shown >= 0)
    colours = F.avg_pool2d((pictures.movedim(1, 0) + 1) / 2, _CELL).movedim(1, -1)[counts]
    which, total = shown[counts], colours.new_zeros(points.shape[1], 3)
    seen = torch.bincount(which, minlength=points.shape[1]).to(colours.dtype)
    return Worn(total.index_add(0, which, colours) / seen.clamp_min(1)[:, None], seen)


def worn_by_cast(video: Tensor, clip: Clip) -> list[Worn]:
    """For each character of a clip the colours that a video ``(3, F, H, W)`` shows where it ought to be."""
    cameras = clip.intrinsics, clip.camera_to_world
    return [
        worn(video, clip.mask == k + 1, clip.points[:, k], clip.normals[:, k], *cameras)
        for k in range(clip.points.shape[1])
    ]
