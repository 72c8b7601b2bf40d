"""What steers a video: the conditions of ISA-DiT as tensors."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import torch

from isa_engine.configuration import RAY_CHANNELS
from isa_engine.errors import ModelError
from isa_engine.geometry.frames import (
    TEMPORAL_COMPRESSION,
    extended_count,
    frames_before,
    latent_count,
)
from isa_engine.geometry.tiles import Tile


@dataclass(frozen=True)
class Conditioning:
    """All conditions of a batch of videos.

    F frames fill whole windows (``geometry.frames``), of a video or of a part of one; P counts the point
    tokens a frame, all characters' together, padded with invisible ones where a batch mixes casts. Floating
    point is float32 at any precision of the model: coordinates enter fine-grained encodings.

    Attributes:
        points: ``(B, F, P, 3)`` canonical coordinates in metres (Eq. 8).
        ndc: ``(B, F, P, 3)`` of the points (Eq. 10).
        visible: ``(B, F, P)`` bool: a real point in front of the camera. The others have no influence.
        identity: ``(B, P, C)`` reference latents where each point stands in its own reference (Eq. 19).
        identity_known: ``(B, P)`` bool.
        image_tokens: ``(B, L, W)`` of all reference pictures, from ``ImageTower`` (Eq. 21).
        image_known: ``(B, L)`` bool.
        reference_latents: ``(B, C, h, w)`` of the shot's frame reference (Eq. 20), or zeros; of the size of a
            tile, where the canvas is larger than what the model sees at once (``tile``).
        background_latents: ``(B, C, t, h, w)``, or zeros.
        reprojected_latents: the same with the cast before it as its references show it
            (``pipeline.isa.reprojection``); the background's, the default, where nobody is reprojected.
        cameras: ``(B, t, 24, h / patch, w / patch)`` packed Plücker rays, a ray a token (Eq. 22).
        normal_maps: ``(B, t, 48, h, w)`` packed pictures of the body (``dit.normal_maps``), zero where nobody
            is; ``(B, t, 0, h, w)``, the default, for a model that does without.
        owners: ``(B, K, P)`` bool, which points are which character's; ``(B, 0, P)``, the default, where it
            is not told. Only a model with a ``rendering_radius`` asks.
        whereabouts: ``(B, Q, 2)`` NDC of all points on all frames where the points themselves are left out,
            for ``shows_nobody``; ``(B, 0, 2)``, the default, where they are told.

    Raises:
        ModelError: names the field whose shape does not fit the others. Values are not checked here, since
            reading them would wait for the GPU: ``check_finite`` does it once, where conditions are made.
    """

    points: torch.Tensor
    ndc: torch.Tensor
    visible: torch.Tensor
    identity: torch.Tensor
    identity_known: torch.Tensor
    image_tokens: torch.Tensor
    image_known: torch.Tensor
    reference_latents: torch.Tensor
    background_latents: torch.Tensor
    cameras: torch.Tensor
    normal_maps: torch.Tensor = None
    owners: torch.Tensor = None
    whereabouts: torch.Tensor = None
    reprojected_latents: torch.Tensor = None

    def __post_init__(self):
        if self.normal_maps is None:
            object.__setattr__(self, "normal_maps", _no_maps(self.background_latents))
        if self.owners is None:
            object.__setattr__(self, "owners", self.identity_known[:, None][:, :0])
        if self.whereabouts is None:
            object.__setattr__(self, "whereabouts", self.ndc[:, 0, :0, :2])
        if self.reprojected_latents is None:
            object.__setattr__(self, "reprojected_latents", self.background_latents)
        self.sizes()

    @cached_property
    def hides(self) -> bool:
        """Whether a point is invisible, or a picture unknown: only then attention to them needs a mask, with
        which CUDA's fastest kernels cannot be used. Reading it waits for the GPU, once."""
        return not bool(self.visible.all() & self.image_known.all())

    def check_finite(self) -> None:
        """Raise ModelError naming the field that has a value which is no finite number."""
        for field in fields(self):
            if not getattr(self, field.name).isfinite().all():
                raise _error(field.name, "a value is not a finite number")

    def sizes(self) -> dict[str, int]:
        """The letters of the shapes above and what they stand for here."""
        sizes: dict[str, int] = {}
        for name, letters in _SHAPES.items():
            _bind(sizes, name, letters, tuple(getattr(self, name).shape))
            if name == "points":
                # A video's first latent has one frame, so F = 4k + 1; a part from the middle has F = 4k.
                later, part = divmod(sizes["F"], TEMPORAL_COMPRESSION)
                if part and sizes["F"] != extended_count(sizes["F"]):
                    raise _error(name, f"{sizes['F']} frames do not fill whole windows of a latent")
                sizes["t"] = latent_count(sizes["F"]) if part else later
        return sizes

    def check_fits(self, latents: torch.Tensor, patch: int) -> None:
        """Raise ModelError unless these conditions fit latents ``(B, C, t, h, w)``, cut into tokens of
        patch × patch latent pixels."""
        sizes = self.sizes()
        _bind(sizes, "latents", "B C t h w", tuple(latents.shape))
        _bind(sizes, "reference_latents", "B C h w", tuple(self.reference_latents.shape))
        if sizes["h"] % patch or sizes["w"] % patch:
            problem = f"{sizes['h']} × {sizes['w']} latent pixels are not a multiple of the patch of {patch}"
            raise _error("latents", problem)
        rays = (sizes["h"] // patch, sizes["w"] // patch)
        if self.cameras.shape[-2:] != rays:
            problem = f"{tuple(self.cameras.shape[-2:])} rays where there are {rays} tokens"
            raise _error("cameras", problem)

    def part(self, first: int, last: int) -> "Conditioning":
        """The conditions of latents ``[first, last)``, and of the frames behind them."""
        latents, frames = slice(first, last), slice(frames_before(first), frames_before(last))
        return replace(
            self,
            points=self.points[:, frames],
            ndc=self.ndc[:, frames],
            visible=self.visible[:, frames],
            background_latents=self.background_latents[:, :, latents],
            reprojected_latents=self.reprojected_latents[:, :, latents],
            cameras=self.cameras[:, latents],
            normal_maps=self.normal_maps[:, latents],
        )

    def excerpt(self, first: int, last: int) -> "Conditioning":
        """``part`` as a video of its own: its first latent is of one frame, the last of four."""
        found, frames = self.part(first, last), TEMPORAL_COMPRESSION - 1 if first else 0
        return replace(
            found,
            points=found.points[:, frames:],
            ndc=found.ndc[:, frames:],
            visible=found.visible[:, frames:],
        )

    def tile(self, tile: Tile) -> "Conditioning":
        """The conditions of a part of the canvas, as a picture of its own: of those points alone that come
        into it or near it (``Tile.near``) in any frame; of all, where none does. Cut once."""
        if tile not in self._tiles:
            scale, shift = (self.ndc.new_tensor(values) for values in tile.lens)
            patch = tile.canvas[0] // self.cameras.shape[-2]
            near = (tile.near(self.ndc) & self.visible).any(1).any(0)
            told = self._with_points(near) if near.any() and not near.all() else self
            self._tiles[tile] = replace(
                told,
                ndc=scale * told.ndc + shift,
                background_latents=told.background_latents[tile.part],
                reprojected_latents=told.reprojected_latents[tile.part],
                cameras=told.cameras[tile.in_tokens(patch).part],
                normal_maps=told.normal_maps[tile.part],
            )
        return self._tiles[tile]

    @cached_property
    def _tiles(self) -> "dict[Tile, Conditioning]":
        return {}

    def shows_nobody(self, tile: Tile) -> bool:
        """Whether nobody of the cast comes into a tile or near it, so that it shows the background that is
        given."""
        if tile not in self._empty:
            where = self._where_people_are
            given = where.shape[1] and self.background_latents.any()
            self._empty[tile] = bool(given and not tile.near(where).any())
        return self._empty[tile]

    @cached_property
    def _empty(self) -> dict[Tile, bool]:
        return {}

    @cached_property
    def _where_people_are(self) -> torch.Tensor:
        if self.whereabouts.shape[1]:
            return self.whereabouts
        return self.ndc[..., :2].masked_fill(~self.visible[..., None], _NOWHERE).flatten(1, 2)

    def to(self, device: torch.device | str) -> "Conditioning":
        """The same on another device; copies to a GPU are queued, and nobody waits for them."""
        # Copies to the CPU do wait: one that did not could be read before it is complete.
        waits = torch.device(device).type == "cpu"
        return self._map(lambda value: value.to(device, non_blocking=not waits))

    def expand(self, batch: int) -> "Conditioning":
        """A batch of one as a batch of many, without copying."""
        return self._map(lambda value: value.expand(batch, *value.shape[1:]))

    @staticmethod
    def concatenate(parts: "list[Conditioning]") -> "Conditioning":
        """Several batches of equal shapes as one; the branches of guidance, for instance."""
        names = [field.name for field in fields(Conditioning)]
        return Conditioning(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})

    def without_background(self) -> "Conditioning":
        """The same where no background is given: nothing is reprojected before it either."""
        none = torch.zeros_like(self.background_latents)
        return replace(self, background_latents=none, reprojected_latents=none)

    def without_cast(self) -> "Conditioning":
        """The unconditional branch of guidance: no point visible, no identity or reference known, nobody
        reprojected; camera and background stay."""
        return replace(
            self,
            visible=torch.zeros_like(self.visible),
            identity_known=torch.zeros_like(self.identity_known),
            image_known=torch.zeros_like(self.image_known),
            reference_latents=torch.zeros_like(self.reference_latents),
            reprojected_latents=self.background_latents,
            normal_maps=torch.zeros_like(self.normal_maps),
        )

    @cached_property
    def nobody(self) -> "Conditioning":
        """``without_cast`` for less: what is invisible or unknown throughout has no influence."""
        found = self.without_cast()
        none = replace(
            found,
            image_tokens=found.image_tokens[:, :0],
            image_known=found.image_known[:, :0],
            whereabouts=self._where_people_are,
        )
        return none._with_points(slice(0, 0))

    def _with_points(self, which: torch.Tensor | slice) -> "Conditioning":
        """Of some of the points alone."""
        return replace(
            self,
            points=self.points[:, :, which],
            ndc=self.ndc[:, :, which],
            visible=self.visible[:, :, which],
            identity=self.identity[:, which],
            identity_known=self.identity_known[:, which],
            owners=self.owners[:, :, which],
        )

    def _map(self, function) -> "Conditioning":
        return Conditioning(**{field.name: function(getattr(self, field.name)) for field in fields(self)})


_SHAPES = {
    "points": "B F P 3",
    "ndc": "B F P 3",
    "visible": "B F P",
    "identity": "B P C",
    "identity_known": "B P",
    "image_tokens": "B L W",
    "image_known": "B L",
    "reference_latents": "B C tile_h tile_w",
    "background_latents": "B C t h w",
    "cameras": f"B t {RAY_CHANNELS} rows columns",
    "normal_maps": "B t N h w",
    "owners": "B K P",
    "whereabouts": "B Q 2",
    "reprojected_latents": "B C t h w",
}
# NDC of whom no camera shows: far from every tile.
_NOWHERE = 1e6


def _no_maps(latents: torch.Tensor) -> torch.Tensor:
    return latents.new_zeros(len(latents), *latents.shape[2:3], 0, *latents.shape[3:])


def _bind(sizes: dict[str, int], name: str, letters: str, shape: tuple[int, ...]) -> None:
    expected = [int(letter) if letter.isdigit() else letter for letter in letters.split()]
    if len(shape) != len(expected):
        raise _error(name, f"the shape is {shape} where ({', '.join(map(str, expected))}) is needed")
    for letter, size in zip(expected, shape, strict=True):
        wanted = letter if isinstance(letter, int) else sizes.setdefault(letter, size)
        if size != wanted:
            raise _error(name, f"the shape is {shape}, but {letter} is {wanted}")


def _error(name: str, problem: str) -> ModelError:
    return ModelError(problem, where=f"conditioning, '{name}'")
