"""Camera: does the ground move under the camera as a ground under that camera would?

Every set stands on the plane z = 0, so the camera alone determines where each place on the ground goes in the
picture. A video that obeys shows the place's colour there; one whose ground rests shows it where it was.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.evaluation.measures.ground import ground_places
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.geometry.ndc import picture_coordinates, project, to_pixels

# Metres from the cast beyond which the ground is not measured, since haze hides it.
_REACH = 8.0
# So many pixels around figures are left out, and with fewer than so many left nothing is measured.
_MARGIN, _FEWEST = 3, 100


def agreement(video: Tensor, clip: Clip) -> float | None:
    """Share of the ground's motion that the video shows.

    ``1 − Σ‖I₂(x + v) − I₁(x)‖² / Σ‖I(x + v) − I(x)‖²``, with v the motion of pixel x during a latent frame
    that the camera implies, I₁ and I₂ the pictures before and after, and the denominator the mean over both.
    It is 1 if the ground moves as the camera implies, 0 if it rests, and less if it moves otherwise.

    Args:
        video: ``(3, F, H, W)``, of the clip's cast and camera.

    Returns:
        None where the clip shows no ground that moves by a pixel on average, or the video no texture on it.
    """
    # Blurred by one pixel: between pixels, where ground moves to, colours are interpolated, which loses finer
    # detail even of a perfect video.
    frames = F.avg_pool2d(video.movedim(1, 0), 3, 1, 1, count_include_pad=False)
    missed = there = moved = pixels = 0.0
    for start in range(0, len(frames) - TEMPORAL_COMPRESSION, TEMPORAL_COMPRESSION):
        end = start + TEMPORAL_COMPRESSION
        places, motion = ground_motion(clip, start, end)
        before, after = (_sampled(frames[k], places) for k in (start, end))
        before_there, after_there = (_sampled(frames[k], places + motion) for k in (start, end))
        missed += _difference(after_there, before)
        there += (_difference(before_there, before) + _difference(after_there, after)) / 2
        moved += torch.linalg.vector_norm(motion, dim=1).sum().item()
        pixels += len(places)
    if pixels < _FEWEST or moved < pixels or there < 1e-5 * pixels:
        return None
    return 1 - missed / there


def ground_motion(clip: Clip, start: int, end: int) -> tuple[Tensor, Tensor]:
    """The pixels that show ground, and where the camera moves what they show.

    Returns:
        Places ``(n, 2)`` x and y of pixels of frame ``start``, the first pixel's centre at (0, 0), and their
        motion until frame ``end``, ``(n, 2)`` pixels; only those that stay in the picture, clear of figures.
    """
    height, width = clip.video.shape[2:]
    camera = clip.camera_to_world.double()
    ground, meets = (part[start] for part in ground_places(clip))
    cast = clip.points[start].reshape(-1, 3).mean(0)
    near = meets & (torch.linalg.vector_norm((ground - cast)[..., :2], dim=-1) < _REACH)

    ndc, in_front = project(ground, modelview_projection(clip.intrinsics[end], camera[end]))
    figures = (clip.mask[[start, end]] > 0).to(ndc)
    blocked = F.max_pool2d(figures, 2 * _MARGIN + 1, 1, _MARGIN)
    grid = picture_coordinates(ndc)[None]
    comes_clear = F.grid_sample(1 - blocked[None, 1:], grid, align_corners=False)[0, 0] > 0.99
    y, x = (near & in_front & (blocked[0] == 0) & comes_clear).nonzero(as_tuple=True)
    arrives = to_pixels(ndc[y, x], (width, height)) - 0.5
    places = torch.stack([x, y], -1)
    return places.to(clip.video), (arrives - places).to(clip.video)


def _sampled(picture: Tensor, places: Tensor) -> Tensor:
    """Colours ``(3, n)`` of a picture ``(3, H, W)`` between its pixels."""
    height, width = picture.shape[1:]
    grid = (2 * places + 1) / places.new_tensor([width, height]) - 1
    return F.grid_sample(picture[None], grid[None, None], align_corners=False)[0, :, 0]


def _difference(first: Tensor, second: Tensor) -> float:
    return (first - second).square().sum().item()
