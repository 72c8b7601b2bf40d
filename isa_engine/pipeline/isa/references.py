"""What reference pictures tell: their latents, and who each point of a character is (Eq. 19)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.geometry.occlusion import hidden
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.pictures import to_canvas
from isa_engine.shot import Character

# Room about a character's points, which lie on the skin, for hair and clothes.
ROOM = 1.1


def pictured_with(character: Character, cast: Sequence[Character]) -> list[Character]:
    """All others of a cast in a character's reference picture, where one camera saw them all."""
    pose = character.reference
    return [
        other
        for other in cast
        if other is not character
        and other.reference is not None
        and other.reference.picture == pose.picture
        and np.array_equal(other.reference.mvp, pose.mvp)
    ]


def picture_latents(model: Model, picture: Tensor) -> Tensor:
    """``(3, H, W)`` in [−1, 1] to normalised latents ``(C, h, w)``: the posterior's mode."""
    video = picture[None, :, None].to(model.device)
    return model.vae.normalise(model.vae.encode(video).mode())[0, :, 0]


@dataclass(frozen=True)
class CloseUp:
    """How a picture shows a character of N points: pixels are counted from its upper left corner.

    Attributes:
        places: ``(N, 2)`` pixels, to the right and down.
        known: ``(N,)`` bool: false where the picture does not reach, or shows somebody else.
        corner, side: ``(2,)`` and a length, pixels: the square about the character.
    """

    places: np.ndarray
    known: np.ndarray
    corner: np.ndarray
    side: float


def close_up(points: np.ndarray, mvp: np.ndarray, others: np.ndarray, size: tuple[int, int]) -> CloseUp:
    """Where a character stands in a picture.

    Args:
        points, mvp: the character as it stands there, ``(N, 3)`` and ``(4, 4)``.
        others: ``(M, 3)`` points of all others whom the picture shows.
        size: width and height of the picture, pixels.
    """
    ndc, in_front = project(np.asarray(points, np.float64), mvp)
    inside = in_front & (np.abs(ndc[:, :2]) <= 1).all(-1)
    known = inside & ~hidden(points, others, mvp)
    places = to_pixels(ndc, size)
    corner, side = _square(places[inside], size) if known.any() else (np.zeros(2), 1.0)
    return CloseUp(places, known, corner, side)


def identity(
    model: Model,
    picture: Image.Image,
    points: np.ndarray,
    mvp: np.ndarray,
    others: np.ndarray,
) -> tuple[Tensor, Tensor]:
    """What a reference says of each point: latents of the character's close-up, sampled where it stands.

    The paper samples the latents of the whole picture. Where a limb there is narrower than a latent pixel,
    they mix it with what is around it, and who wears what is lost.

    Args:
        points, mvp, others: as of ``close_up``.

    Returns:
        ``(N, C)``, and ``(N,)`` bool: false where the picture does not reach, or shows somebody else; there
        the latents mean nothing.
    """
    seen = close_up(points, mvp, others, picture.size)
    known = torch.tensor(seen.known, device=model.device)
    if not seen.known.any():
        return torch.zeros(len(points), model.config.vae.latent_channels, device=model.device), known
    square = _cut_out(picture, seen.corner, seen.side, model.config.close_up)
    latents = picture_latents(model, square)
    where = torch.tensor((seen.places - seen.corner) / seen.side * 2 - 1, dtype=latents.dtype)
    return at_points(latents[None], where[None].to(latents.device))[0], known


def at_points(latents: Tensor, where: Tensor) -> Tensor:
    """Close-ups' latents ``(B, C, h, w)`` at places ``(B, N, 2)``, −1 to 1 across them: ``(B, N, C)``."""
    sampled = F.grid_sample(latents, where[:, None], padding_mode="border", align_corners=False)
    return sampled[:, :, 0].mT


def _square(places: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, float]:
    """The upper left corner and the side, in pixels, of a square about places ``(N, 2)``, which leaves a
    picture of that width and height only where that is too small for it."""
    low, high = places.min(0), places.max(0)
    side = max(1.0, ROOM * float((high - low).max()))
    spare = np.asarray(size) - side
    corner = (low + high - side) / 2
    return np.where(spare < 0, spare / 2, corner.clip(0, spare.clip(0))), side


def _cut_out(picture: Image.Image, corner: np.ndarray, side: float, size: int) -> Tensor:
    """A square of a picture, whose outermost pixels go on where it ends: ``(3, size, size)`` in [−1, 1]."""
    first, last = np.floor(corner).astype(int), np.ceil(corner + side).astype(int)
    shown_first, shown_last = first.clip(0), last.clip(max=picture.size)
    margins = np.stack([shown_first - first, last - shown_last], 1)
    shown = np.asarray(picture.crop((*shown_first, *shown_last)))
    whole = Image.fromarray(np.pad(shown, (margins[1], margins[0], (0, 0)), mode="edge"))
    (left, top), (right, bottom) = corner - first, corner - first + side
    # Columns first, in a call of their own: Pillow 13 takes rows first where they shrink more, and the square
    # would differ by up to 30 levels of 255 from what training saw.
    part = (left, 0, right, whole.height)
    columns = whole.resize((size, whole.height), Image.Resampling.LANCZOS, part, reducing_gap=3.0)
    return to_canvas(columns, (size, size), (0, top, size, bottom))
