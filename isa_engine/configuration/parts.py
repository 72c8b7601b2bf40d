"""What a model is made of: the sizes of its networks, and what all models have in common."""

from dataclasses import dataclass, field

from isa_engine.errors import ModelError
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.geometry.tiles import Tile, counted, tiles


@dataclass(frozen=True)
class VAEConfig:
    """VideoVAE: SD3's image autoencoder with causal time (paper, 4.1).

    Attributes:
        latent_channels: C.
        block_out_channels: width of each resolution, finest first; each but the last halves space, and the
            last two that do so halve time.
        layers_per_block: residual blocks a resolution.
        window: side in pixels of windows whose pixels become channels before anything else (not in SD3), for
            models that run on two CPU cores: convolutions at full resolution would take them too long. Such a
            model has a single width in ``block_out_channels``. 0: SD3's networks.
        norm_groups: of the group norms, which see one frame at a time.
        tail_width: channels of a last stage of the decoder, at the resolution of windows of 2 × 2 pixels
            (``vae.pixel_tail``), for models with an even ``window``; 0: none.
        scaling_factor, shift_factor: latents fed to the DiT are ``(z − shift) · scale``; one number, or one
            for each channel. Trained weights bring their own.
    """

    latent_channels: int = 16
    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    window: int = 0
    norm_groups: int = 32
    tail_width: int = 0
    scaling_factor: float | tuple[float, ...] = 1.5305
    shift_factor: float | tuple[float, ...] = 0.0609

    @property
    def spatial_compression(self) -> int:
        """f_s: video pixels to a latent pixel's side."""
        return self.window or 2 ** (len(self.block_out_channels) - 1)


@dataclass(frozen=True)
class MatteHeadConfig:
    """The matte head, whose blocks work at the latents' resolution.

    Attributes:
        width: channels.
        layers: residual blocks.
        norm_groups: of the group norms, which see one frame at a time.
    """

    width: int = 128
    layers: int = 3
    norm_groups: int = 8


@dataclass(frozen=True)
class DiTConfig:
    """ISA-DiT (paper, 5.2 and 5.3).

    Attributes:
        width: d, features of a token.
        layers, heads: of the transformer.
        patch: latent pixels to a token's side.
        points: surface points a character a frame; "controlnet-2d" draws its maps from them.
        latent_channels: C of the VAE.
        image_width: features of an image-tower token.
        qk_norm: RMS norm of queries and keys, as in SD3.5; SD3 has none.
        conditioning: "isa"; or an ablation of Table 4: "isa-without-ispe", or "controlnet-2d", which has
            normal maps in place of points and ISA.
        readout: what the last tokens mean: "velocity" (the paper's), or "background", the picture's
            difference from its background (``dit.readout``).
        identity_splat: whether each latent pixel is also told the identity of the point that stands in it
            (``dit.identity_splat``); the paper has no such input.
        reprojection: whether the background that it is told has the cast before it, as the references show it
            (``Conditioning.reprojected_latents``); in the paper's it has not.
        rendering_radius: NDC within which a video token looks at points, besides one pooled token a character
            (``dit.near_points``); None: it looks at all points, wherever they are, and at no pooled ones.
        position_grid: table and base size of the positions of an SD3 model that this one starts from
            (``dit.sd3_adapter``); None: positions from NDC.
        temporal_window: latents that attention across time sees at once (``dit.temporal_windows``); None: all
            of them. A video that is no longer than a window is computed as without.
        temporal_stride: latents from a window to the next.
        temporal_anchor: latents of the first window that all others see.
    """

    width: int = 1536
    layers: int = 24
    heads: int = 24
    patch: int = 2
    points: int = 256
    latent_channels: int = 16
    image_width: int = 1024
    qk_norm: bool = True
    conditioning: str = "isa"
    readout: str = "velocity"
    identity_splat: bool = False
    reprojection: bool = False
    rendering_radius: float | None = None
    position_grid: tuple[int, int] | None = None
    temporal_window: int | None = None
    temporal_stride: int = 4
    temporal_anchor: int = 0


# What all ISA-DiTs have in common, in this order: features of a timestep; channels of packed rays, six
# numbers for each frame of a window (Eq. 22); normals to a latent pixel's side, and channels of packed normal
# maps, for each frame of a window; shift, scale and gate for attention and for feed-forward (AdaLN-zero).
TIMESTEP_FEATURES = 256
RAY_CHANNELS = 6 * TEMPORAL_COMPRESSION
NORMAL_DETAIL = 2
NORMAL_CHANNELS = 3 * NORMAL_DETAIL**2 * TEMPORAL_COMPRESSION
MODULATIONS = 6
# The modulated branches that the paper adds to SD3's block, by the conditioning: temporal, point-temporal,
# ISA on video, ISA on points; the first alone where there are no points.
NEW_BRANCHES = {"isa": 4, "isa-without-ispe": 4, "controlnet-2d": 1}
# At most so many previews of its first frame does a generation show while it denoises.
PREVIEWS = 6


@dataclass(frozen=True)
class ImageTowerConfig:
    """CLIP's image tower, in open_clip's terms (Eq. 21).

    Attributes:
        name: an open_clip architecture whose weights are given by path; empty: built from the sizes below.
        size: picture side in pixels.
        patch, width, layers, heads: of the vision transformer.
    """

    name: str = ""
    size: int = 64
    patch: int = 16
    width: int = 64
    layers: int = 2
    heads: int = 4


@dataclass(frozen=True)
class ModelConfig:
    """A named model: its networks' sizes, and what else belongs to it.

    Attributes:
        name: by which shots ask for it.
        short_side: pixels of the shorter side of the canvas that the model is made for.
        close_up: side in pixels of the square around a character that is cut out of its reference.
        max_frames: the longest take that was measured (``isa-engine evaluate length``), or trained on.
        shift: by which the times of denoising and of training are shifted towards noise, as in SD3: the
            layout of a picture is decided there, and larger pictures need more of these times. 1: no shift.
        temperature: standard deviation of the noise that denoising begins with; training's is 1. What a
            network that has not learned to the end makes of noise is blotches, and of less noise fewer.
        gate: whether a gate keeps what the background shows where nobody is (``dit.background_gate``). It is
            of most use to a readout that paints the background anew.
        bits: of a number in the published weights (``networks.weight_files``).
    """

    name: str
    short_side: int
    close_up: int
    max_frames: int
    shift: float = 1.0
    temperature: float = 1.0
    gate: bool = False
    bits: int = 16
    vae: VAEConfig = field(default_factory=VAEConfig)
    matte_head: MatteHeadConfig = field(default_factory=MatteHeadConfig)
    dit: DiTConfig = field(default_factory=DiTConfig)
    image_tower: ImageTowerConfig = field(default_factory=ImageTowerConfig)

    @property
    def reprojects(self) -> bool:
        """Whether anything in the model reads ``Conditioning.reprojected_latents``."""
        return self.gate or self.dit.reprojection

    @property
    def multiple(self) -> int:
        """Video pixels to a token's side: canvas sizes are multiples of it."""
        return self.vae.spatial_compression * self.dit.patch

    @property
    def temporal_compression(self) -> int:
        """f_t: frames to a latent frame."""
        return TEMPORAL_COMPRESSION

    def tiles(self, rows: int, columns: int) -> list[Tile]:
        """The tiles in which the model sees a canvas of so many latent pixels (``geometry.tiles``)."""
        return tiles(rows, columns, *self._own)

    def tile_count(self, rows: int, columns: int) -> tuple[int, tuple[int, int]]:
        """How many ``tiles`` there are, and the rows and columns of each."""
        (down, across), size = counted(rows, columns, *self._own)
        return down * across, size

    @property
    def _own(self) -> tuple[int, int]:
        """The shorter side of the model's own canvas, and of a token, in latent pixels."""
        return self.short_side // self.vae.spatial_compression, self.dit.patch

    def canvas(self, text: str) -> tuple[int, int]:
        """A canvas written as "WIDTHxHEIGHT", in pixels.

        Raises:
            ModelError: it is not written so, or does not suit the model.
        """
        return canvas_of(self.name, self.multiple, text)


def canvas_of(model: str, multiple: int, text: str) -> tuple[int, int]:
    """As of ``ModelConfig.canvas``, of a model of that name that wants multiples of so many pixels."""
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise ModelError(f"the size is '{text}'", remedy="Give it as WIDTHxHEIGHT, for instance 224x128.")
    for side in (int(width), int(height)):
        if side == 0 or side % multiple:
            remedy = f"'{model}' needs multiples of {multiple}."
            raise ModelError(f"a canvas of {text} pixels", remedy=remedy)
    return int(width), int(height)
