"""What the cast takes of the light around it: shadows along the sun, and occlusion of the sky nearby.

F frames, S samples of the cast's surfaces, which stand for all of it. Everything here is in [0, 1] and only
ever darkens.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# A shadow's map on the ground: cells of a decimetre, so coarse that few samples fill them.
_SHADOW_SIZE, _SHADOW_METRES = 128, 6.0


def ground_shadow(points: Tensor, sun: Tensor, softness: int, ground: Tensor) -> Tensor:
    """How much of the sun the cast takes from each ground place: ``(F, H, W)``.

    Samples are thrown along the sun onto a map of the ground around the cast.

    Args:
        points: ``(F, S, 3)``.
        sun: ``(3,)`` unit vector towards it.
        softness: cells that the edge is blurred over, odd.
        ground: ``(F, H, W, 3)``, NaN where there is none.
    """
    frames, cells = len(points), _SHADOW_SIZE**2
    centre = points[..., :2].mean((0, 1))
    foot = points[..., :2] - sun[:2] / sun[2] * points[..., 2:]
    cell = (((foot - centre) / _SHADOW_METRES + 1) / 2 * _SHADOW_SIZE).floor().long()
    inside = ((cell >= 0) & (cell < _SHADOW_SIZE)).all(-1)
    frame = torch.arange(frames, device=points.device)[:, None]
    cell = torch.where(inside, frame * cells + cell[..., 1] * _SHADOW_SIZE + cell[..., 0], frames * cells)
    shadow = torch.zeros(frames * cells + 1, device=points.device)
    shadow[cell.flatten()] = 1
    shadow = shadow[:-1].view(frames, 1, _SHADOW_SIZE, _SHADOW_SIZE)
    shadow = F.avg_pool2d(shadow, softness, 1, softness // 2)
    at = ((ground[..., :2] - centre) / _SHADOW_METRES).nan_to_num(nan=9.0)
    return F.grid_sample(shadow, at, align_corners=False)[:, 0]
