"""Clips to measure with: motions, looks, cameras and seeds that no training saw (``data.scenario.split``).

A clip is left out if it would make a measure too easy or meaningless: if the reference picture, merely
repeated, would cover the cast too well; if nobody is seen; if the ground shows no motion to judge by.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from isa_engine.body.model.axes import TO_WORLD
from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.sources import synthetic_humans
from isa_engine.data.rendering.filming import Actor, film
from isa_engine.data.rendering.light import Light
from isa_engine.data.rendering.sets import Set
from isa_engine.data.scenario.split import HELD_OUT, Split
from isa_engine.data.surfaces.patterns import random_colours
from isa_engine.errors import DataError
from isa_engine.evaluation.held_out.kinds import Kind
from isa_engine.evaluation.held_out.skeleton import skeleton
from isa_engine.evaluation.measures.camera_motion import agreement
from isa_engine.evaluation.measures.silhouette import iou, tolerance
from isa_engine.evaluation.measures.worn import Worn, worn
from isa_engine.geometry.surface import POINTS

# The mean silhouette IoU of the repeated reference picture, over a kind's clips, is at most this.
EASIEST = 0.35
# The cast covers at least this share of the picture; the render's own ground moves at least so well as the
# camera implies (``measures.camera_motion.agreement``).
_COVERED, _AGREEMENT = 0.03, 0.6
# How many colours a flat screen is chosen from.
_SCREENS = 32
_DRAWS = 60
_NOON = (0.3, 0.2, 0.93)


@dataclass(frozen=True)
class HeldOutClip:
    """A clip that training never sees, and what is needed to measure videos of its cast and camera.

    Attributes:
        seed: of the clip, and of the noise that a model starts from.
        clip: with ``geometry.surface.POINTS`` points a character.
        screen: ``(3,)`` the flat set's colour; None for other sets.
        tolerance: the distance in colour by which a keyer tells the cast from it
            (``measures.silhouette``); None for other sets.
        repeated: ``(3, F, H, W)`` the reference picture on every frame; if each character has a picture of
            their own, the first one's, with the others cut out and pasted in.
        repeated_mask: ``(F, H, W)`` bool, the cast in it.
        reference_worn: for each character the colours that its own reference shows (``measures.worn``).
        skeletons: ``(F, K, 60, 3)`` joints and face points of the cast, as of ``shot.Character``.
    """

    seed: int
    clip: Clip
    screen: Tensor | None
    tolerance: float | None
    repeated: Tensor
    repeated_mask: Tensor
    reference_worn: list[Worn]
    skeletons: np.ndarray

    @property
    def mask(self) -> Tensor:
        """``(F, H, W)`` bool, where the cast is."""
        return self.clip.mask > 0


class HeldOut:
    """The source of held-out clips of one size.

    Args:
        frames, height, width: of each clip; pixels.
        seed: of the first one; others follow.
        device: on which they are rendered.
        split: of which the clips are.
    """

    def __init__(
        self,
        frames: int,
        height: int,
        width: int,
        seed: int,
        device: torch.device | str,
        split: Split = HELD_OUT,
    ):
        self.split = split
        self.humans = synthetic_humans(POINTS, device, split)
        self.frames, self.height, self.width, self.seed = frames, height, width, seed

    @property
    def rest(self) -> Tensor:
        """``(N, 3)`` the surface points on the body at rest."""
        return self.humans.tokens.template

    def sized(self, height: int, width: int) -> "HeldOut":
        """The same source with pictures of another size in pixels."""
        other = copy.copy(self)
        other.height, other.width = height, width
        return other

    def long(self, frames: int) -> "HeldOut":
        """The same source with clips of so many frames."""
        other = copy.copy(self)
        other.frames = frames
        return other

    def clips(self, kind: Kind, count: int) -> Iterator[HeldOutClip]:
        """So many clips of a kind; the same ones every time.

        Raises:
            DataError: too few of the seeds that were tried give a clip that can be measured with.
        """
        found, covered = 0, 0.0
        for seed in range(self.seed, self.seed + _DRAWS * count):
            if found == count:
                return
            drawn = self._draw(seed, kind, kind.characters[found % len(kind.characters)])
            if drawn is None:
                continue
            overlap = iou(drawn.repeated_mask, drawn.mask)
            if kind.hard and (covered + overlap) / (found + 1) > EASIEST:
                continue
            if _motion_is_hidden(kind, drawn.clip):
                continue
            found, covered = found + 1, covered + overlap
            yield drawn
        if found < count:
            problem = f"only {found} of {count} held-out clips of '{kind.name}' were found"
            raise DataError(problem, remedy="Ask for fewer, or for more frames.")

    def _draw(self, seed: int, kind: Kind, characters: int) -> HeldOutClip | None:
        """The clip of a seed; None if it cannot be measured with."""
        size = self.frames, self.height, self.width
        clip, actors, others = self.humans.clip_and_cast(seed, *size, characters, kind.set_kind)
        if (clip.mask > 0).float().mean() < _COVERED:
            return None
        random = np.random.default_rng([self.split.stream, seed, 1])
        if kind.view is not None:
            clip, actors = self._about_the_origin(clip, actors, kind.view(len(clip.points)))
        if kind.camera == "still" and not _still(clip):
            clip = self._film_again(clip, actors, Set(random, kind.set_kind), _held(clip))
        if kind.camera == "moving" and _still(clip):
            return None
        screen = None
        if kind.set_kind == "flat":
            stage = Set(random, "flat")
            stage.screen = _unworn(clip, random)
            clip = self._film_again(clip, actors, stage, (clip.intrinsics, clip.camera_to_world))
            screen = clip.background[:, 0, 0, 0]
        masks = self._reference_masks(clip, others)
        repeated, shown = _pasted(clip, masks)
        return HeldOutClip(
            seed=seed,
            clip=clip,
            screen=screen,
            tolerance=None if screen is None else tolerance(clip.video, screen, clip.mask > 0),
            repeated=repeated[:, None].expand_as(clip.video),
            repeated_mask=shown.expand_as(clip.mask),
            reference_worn=[
                worn(
                    clip.references[picture][:, None],
                    mask[None],
                    other.points,
                    other.normals,
                    clip.reference_intrinsics[picture, None],
                    clip.reference_camera_to_world[picture, None],
                )
                for picture, mask, other in zip(clip.reference_of.tolist(), masks, others, strict=True)
            ],
            skeletons=np.stack([skeleton(self.humans.tokens, actor) for actor in actors], 1),
        )

    def _about_the_origin(
        self, clip: Clip, actors: list[Actor], view: tuple[np.ndarray, np.ndarray]
    ) -> tuple[Clip, list[Actor]]:
        """The same performance about the origin, and a camera's view of it on a flat set."""
        middle = clip.points[0].reshape(-1, 3).mean(0)
        world = middle * middle.new_tensor([1, 1, 0])
        smplx = world @ torch.as_tensor(TO_WORLD).to(world)
        moved = [
            replace(actor, translation=actor.translation - smplx, points=actor.points - world)
            for actor in actors
        ]
        camera = tuple(torch.as_tensor(part, dtype=torch.float32, device=self.humans.device) for part in view)
        clip = replace(clip, points=clip.points - world)
        return self._film_again(clip, moved, Set(np.random.default_rng(0), "flat"), camera), moved

    def _film_again(self, clip: Clip, actors: list[Actor], stage: Set, camera: tuple[Tensor, Tensor]) -> Clip:
        """The same performance in another set or before another camera, at noon."""
        noon = Light(torch.tensor(_NOON, device=self.humans.device))
        seen = tuple(part.cpu().numpy() for part in camera)
        filmed = film(self.humans.skin, actors, stage, noon, seen, self.height, self.width)
        intrinsics, camera_to_world = camera
        return replace(clip, **filmed._asdict(), intrinsics=intrinsics, camera_to_world=camera_to_world)

    def _reference_masks(self, clip: Clip, others: list[Actor]) -> list[Tensor]:
        """Where each character is in its own reference: ``(H, W)`` bool each."""
        masks = []
        for picture in range(len(clip.references)):
            shown = [k for k, of in enumerate(clip.reference_of.tolist()) if of == picture]
            camera = (
                clip.reference_intrinsics[picture, None].cpu().numpy(),
                clip.reference_camera_to_world[picture, None].cpu().numpy(),
            )
            noon = Light(torch.tensor(_NOON, device=self.humans.device))
            stage = Set(np.random.default_rng(0), "flat")
            group = [others[k] for k in shown]
            mask = film(self.humans.skin, group, stage, noon, camera, self.height, self.width).mask[0]
            masks += [mask == place + 1 for place in range(len(shown))]
        return masks


def _still(clip: Clip) -> bool:
    return all((part == part[:1]).all() for part in (clip.intrinsics, clip.camera_to_world))


def _motion_is_hidden(kind: Kind, clip: Clip) -> bool:
    """Whether a clip of a kind with moving cameras is no good, since even the render does not show motion."""
    if kind.camera != "moving" or kind.set_kind == "flat":
        return False
    return (agreement(clip.video, clip) or 0) < _AGREEMENT


def _held(clip: Clip) -> tuple[Tensor, Tensor]:
    """The clip's camera, kept on every frame as it is on the middle one."""
    middle = len(clip.intrinsics) // 2
    return tuple(part[middle].expand_as(part).clone() for part in (clip.intrinsics, clip.camera_to_world))


def _unworn(clip: Clip, random: np.random.Generator) -> np.ndarray:
    """A colour ``(3,)`` in [0, 1] far from all that the cast wears."""
    worn = (clip.video[:, clip.mask > 0].T.cpu() + 1) / 2
    colours = random_colours(random, _SCREENS)
    distance = torch.cdist(torch.tensor(colours, dtype=worn.dtype), worn[:: max(1, len(worn) // 4096)])
    return colours[int(distance.quantile(0.02, dim=1).argmax())]


def _pasted(clip: Clip, masks: list[Tensor]) -> tuple[Tensor, Tensor]:
    """One picture ``(3, H, W)`` with the whole cast, and where it is in it ``(H, W)``."""
    picture = clip.references[0].clone()
    for of, mask in zip(clip.reference_of.tolist(), masks, strict=True):
        picture = torch.where(mask, clip.references[of], picture)
    return picture, torch.stack(masks).any(0)
