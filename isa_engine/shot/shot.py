"""A shot: everything the engine needs to know about a staged scene, as plain numpy arrays.

F frames, N points a character (``geometry.surface``), M triangles.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np

from isa_engine.configuration.policies import PRESETS
from isa_engine.geometry.camera import modelview_projection

# Joints and face points of ``Character.skeleton``.
SKELETON = 60


@dataclass(frozen=True)
class ReferencePose:
    """Where a character stands in its reference picture.

    Attributes:
        picture: index into ``Shot.references``.
        points: ``(N, 3)`` float32, the character's surface points as posed there, world coordinates.
        mvp: ``(4, 4)`` float64, their modelview-projection matrix onto the whole picture.
    """

    picture: int
    points: np.ndarray
    mvp: np.ndarray


@dataclass(frozen=True)
class Character:
    """One member of the cast.

    Attributes:
        name: as in the scene.
        points: ``(F, N, 3)`` float32 surface points, world coordinates.
        triangles: ``(M, 3)`` int32 between the points.
        reference: None leaves the look to the model.
        shown: ``(F,)`` bool, false on frames on which the render hides the character; None: on none.
        skeleton: ``(F, 60, 3)`` float32, world coordinates: SMPL-X's 55 joints, then nose, eyes and ears (the
            left ones first); rows of NaN for what the rig does not have. None: the rig tells of no joints.
        prompt: in words, what the picture does not tell of its looks, for models that read.
    """

    name: str
    points: np.ndarray
    triangles: np.ndarray
    reference: ReferencePose | None = None
    shown: np.ndarray | None = None
    skeleton: np.ndarray | None = None
    prompt: str = ""

    @property
    def visible(self) -> np.ndarray:
        """``shown``, written out."""
        return np.ones(len(self.points), bool) if self.shown is None else self.shown

    def during(self, frames: slice) -> "Character":
        """The character on some of its frames."""
        return replace(
            self,
            points=self.points[frames],
            shown=None if self.shown is None else self.shown[frames],
            skeleton=None if self.skeleton is None else self.skeleton[frames],
        )


@dataclass(frozen=True)
class Settings:
    """How to generate.

    Attributes:
        model: name of a configuration ("isa-tiny").
        width, height: the generated canvas in pixels; it covers exactly the camera's frame
            (``shot.canvas``).
        steps: denoising steps.
        guidance: classifier-free guidance scale; 1 is the conditional branch alone. The paper has 2 (6.2),
            and so has isa-tiny (docs/isa-tiny.md).
        seed: of the initial noise, 0 ≤ seed < 2³².
        policy: which steps are computed, a name of ``configuration.policies.POLICIES``.
        prompt, negative_prompt: what the video is to show, and what not, in words, for models that read.
        one_by_one: whether the people are painted one after the other, by models that can.
        steering: which picture of the cast steers the model, a name of ``controls.CONTROLS``, where it can be
            steered by several.
        painted: which mask says where people are painted and a background is not kept, a name of
            ``controls.CONTROLS``, where the model can take several.
        plate_scale: how many pixels of the plate along each side stand for one of the canvas, where a model
            lays its plate over the background (``models.Description``): the set, the people's outlines, what
            their references show of them and the matte are that much finer; what the model paints is as
            coarse as the canvas.
    """

    model: str = "isa-tiny"
    width: int = 128
    height: int = 128
    steps: int = PRESETS["Final"].steps
    guidance: float = PRESETS["Final"].guidance
    seed: int = 0
    policy: str = PRESETS["Final"].policy
    prompt: str = ""
    negative_prompt: str = ""
    one_by_one: bool = False
    steering: str = "pose"
    painted: str = "mask"
    plate_scale: int = 1

    @property
    def plate_size(self) -> tuple[int, int]:
        """Width and height in pixels of a plate that is laid over a background."""
        return self.plate_scale * self.width, self.plate_scale * self.height


@dataclass(frozen=True)
class Kept:
    """What stays of an earlier take where only a part of it is made again.

    C channels, t latents of the whole shot (``geometry.frames.segment_latents``).

    Attributes:
        latents: ``(C, t, h, w)`` float32, as ``latents.npy`` of the take has them; zero where none is kept.
        again: ``(t,)`` bool, the latents that are made again.
        weights: of the model that made the take, as its record has them.
        take: SHA-256 of the take's own shot file.
    """

    latents: np.ndarray
    again: np.ndarray
    weights: str
    take: str


@dataclass(frozen=True)
class Shot:
    """A staged scene under its camera.

    Attributes:
        fps: frames a second of the scene.
        width, height: the render's size in pixels, for which the plate is meant.
        frame_numbers: ``(F,)`` int32, scene frames, evenly stepped.
        intrinsics: ``(F, 4)`` float64, ``geometry.camera``.
        camera_to_world: ``(F, 4, 4)`` float64, rigid.
        characters: the cast; all with the same N.
        references: encoded PNG or JPEG pictures.
        frame_reference: index of the reference that is concatenated with the latents (Eq. 20), if any.
        background: an encoded video of at least F frames, or None.
        background_depth: ``(F, height, width)`` float16 of the canvas, or ``(1, height, width)`` where all
            frames are alike: what the background shows at a pixel's centre is so many metres away along the
            camera's axis (``geometry.ndc.view_depth``); infinite where nothing is. None: it is not known. If
            a plate has several pixels to one, it is the middle one's, of an even number the one behind it.
        shadows: whether the background shows the shadows that the cast throws, and nobody who throws them.
        settings: how to generate.
        cuts: frames, counted from 0, with which another camera begins; segments between them are made apart.
        kept: of an earlier take; None: all is made.
    """

    fps: Fraction
    width: int
    height: int
    frame_numbers: np.ndarray
    intrinsics: np.ndarray
    camera_to_world: np.ndarray
    characters: tuple[Character, ...]
    references: tuple[bytes, ...] = ()
    frame_reference: int | None = None
    background: bytes | None = None
    background_depth: np.ndarray | None = None
    shadows: bool = False
    settings: Settings = field(default_factory=Settings)
    cuts: tuple[int, ...] = ()
    kept: Kept | None = None

    @property
    def segments(self) -> list[int]:
        """Numbers of frames between cuts; one number where there is none."""
        return [last - first for first, last in pairwise([0, *self.cuts, self.frames])]

    def segment(self, number: int) -> "Shot":
        """One segment, as ``during``."""
        first = sum(self.segments[:number])
        return self.during(first, first + self.segments[number])

    def during(self, first: int, end: int) -> "Shot":
        """Some of its frames, counted from 0, ``[first, end)``, as a shot of its own, of which nothing is
        kept, with the whole shot's background.

        A character that is hidden all through them stays, hidden.
        """
        frames, away = slice(first, end), self.background_depth
        return replace(
            self,
            frame_numbers=self.frame_numbers[frames],
            intrinsics=self.intrinsics[frames],
            camera_to_world=self.camera_to_world[frames],
            characters=tuple(character.during(frames) for character in self.characters),
            background_depth=away if away is None or len(away) == 1 else away[frames],
            cuts=tuple(cut - first for cut in self.cuts if first < cut < end),
            kept=None,
        )

    @property
    def frames(self) -> int:
        """F, how many are generated."""
        return len(self.frame_numbers)

    @property
    def frame_step(self) -> int:
        """Scene frames between two generated ones."""
        return int(self.frame_numbers[1] - self.frame_numbers[0]) if self.frames > 1 else 1

    @cached_property
    def mvp(self) -> np.ndarray:
        """Modelview-projection matrix of each frame, ``(F, 4, 4)`` float64."""
        return modelview_projection(self.intrinsics, self.camera_to_world)
