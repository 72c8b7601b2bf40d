"""The named models as plain data, readable without torch.

A configuration is one function that returns a ``ModelConfig``; ``MODELS`` lists them. The service, the
panel and the command line read these; ``vae`` and ``dit`` are built from them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from isa_engine.errors import ModelError
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.geometry.surface import POINTS


@dataclass(frozen=True)
class VAEConfig:
    """VideoVAE: SD3's image autoencoder with causal time (paper, 4.1).

    Attributes:
        latent_channels: c.
        block_out_channels: width of each resolution, finest first; each but the last halves space, and the
            last two that do so halve time.
        layers_per_block: residual blocks a resolution.
        window: side in pixels of windows that are folded into channels at once (not in SD3): a model for two
            CPU cores cannot afford convolutions at full resolution. It has one width. 0: SD3's.
        norm_groups: of the group norms, which see one frame at a time.
        tail_width: channels of a last look across the borders of windows (``vae.pixel_tail``); 0: none.
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
    """The matte head, at the latents' resolution.

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
        latent_channels: c of the VAE.
        image_width: features of an image-tower token.
        qk_norm: RMS norm of queries and keys, as in SD3.5; SD3 has none.
        conditioning: "isa"; or an ablation of Table 4: "isa-without-ispe", or "controlnet-2d", which has
            normal maps in place of points and ISA.
        readout: what the last tokens are: "velocity" (the paper's), or "background", what a picture has that
            its background lacks (``dit.readout``).
        identity_splat: whether each latent pixel is also told the identity of the point that stands in it
            (``dit.identity_splat``); the paper has no such input.
        position_grid: table and base size of the positions of an SD3 model that this one starts from
            (``dit.sd3_adapter``); None: positions from NDC.
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
    position_grid: tuple[int, int] | None = None


# What all ISA-DiTs have in common. Features of a timestep; six numbers of a ray for each frame of a window
# (Eq. 22); 2 × 2 normals to a latent pixel, for each frame of a window; shift, scale and gate for attention
# and feed-forward (AdaLN-zero).
TIMESTEP_FEATURES = 256
RAY_CHANNELS = 6 * TEMPORAL_COMPRESSION
NORMAL_DETAIL = 2
NORMAL_CHANNELS = 3 * NORMAL_DETAIL**2 * TEMPORAL_COMPRESSION
MODULATIONS = 6
# The modulated branches that the paper adds to SD3's block, by the conditioning: temporal, point-temporal,
# ISA on video, ISA on points; the first alone where there are no points.
NEW_BRANCHES = {"isa": 4, "isa-without-ispe": 4, "controlnet-2d": 1}


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
    """A named model.

    Attributes:
        short_side: the canvas's short side in pixels that the model is made for.
        close_up: side in pixels of the square that is cut out of a reference about a character.
        max_frames: the longest take it is made for.
        shift: of the denoising schedule, and of training's times, towards noise, as in SD3: what has strong
            structure, as larger pictures, is decided there; 1 is none.
        gate: whether a gate keeps what the background shows where nobody is (``dit.background_gate``). It is
            of most use to a readout that paints the background anew.
        bits: of a number of the weights as they travel (``networks.weight_files``).
    """

    name: str
    short_side: int
    close_up: int
    max_frames: int
    shift: float = 1.0
    gate: bool = False
    bits: int = 16
    vae: VAEConfig = field(default_factory=VAEConfig)
    matte_head: MatteHeadConfig = field(default_factory=MatteHeadConfig)
    dit: DiTConfig = field(default_factory=DiTConfig)
    image_tower: ImageTowerConfig = field(default_factory=ImageTowerConfig)

    @property
    def multiple(self) -> int:
        """Video pixels to a token's side: canvas sizes are multiples of it."""
        return self.vae.spatial_compression * self.dit.patch

    @property
    def temporal_compression(self) -> int:
        """f_t: frames to a latent frame."""
        return TEMPORAL_COMPRESSION

    def canvas(self, text: str) -> tuple[int, int]:
        """A canvas written as "WIDTHxHEIGHT", in pixels.

        Raises:
            ModelError: it is not written so, or does not suit the model.
        """
        width, _, height = text.partition("x")
        if not (width.isdigit() and height.isdigit()):
            raise ModelError(f"the size is '{text}'", remedy="Give it as WIDTHxHEIGHT, for instance 224x128.")
        for side in (int(width), int(height)):
            if side == 0 or side % self.multiple:
                remedy = f"'{self.name}' needs multiples of {self.multiple}."
                raise ModelError(f"a canvas of {text} pixels", remedy=remedy)
        return int(width), int(height)


def isa_tiny() -> ModelConfig:
    """Small enough for two CPU cores."""
    return ModelConfig(
        name="isa-tiny",
        short_side=128,
        close_up=256,
        max_frames=33,
        shift=3.0,
        gate=True,
        vae=VAEConfig(
            block_out_channels=(256,),
            layers_per_block=3,
            window=8,
            norm_groups=8,
            scaling_factor=1.0,
            shift_factor=0.0,
        ),
        matte_head=MatteHeadConfig(width=48, layers=2),
        # A figure is a few latent pixels wide: in tokens of four, most of its outline lies within one. Wide
        # heads without norms take a third less time a training step at this width.
        dit=DiTConfig(width=128, layers=4, heads=4, patch=1, points=256, image_width=64, qk_norm=False),
        image_tower=ImageTowerConfig(),
    )


def isa_small() -> ModelConfig:
    """Twice isa-tiny's pictures: trainable in minutes of one GPU, small enough in 8 bits to travel with the
    code."""
    return ModelConfig(
        name="isa-small",
        short_side=256,
        close_up=256,
        max_frames=33,
        shift=3.0,
        bits=8,
        # isa-tiny's, whose weights a run may go on from.
        vae=isa_tiny().vae,
        matte_head=isa_tiny().matte_head,
        # As many tokens as isa-tiny has. What a token of four latent pixels must tell, its background has
        # told mostly; so no gate, either.
        dit=DiTConfig(
            width=256,
            layers=6,
            heads=4,
            patch=2,
            points=256,
            image_width=96,
            qk_norm=False,
            readout="background",
            identity_splat=True,
        ),
        image_tower=ImageTowerConfig(size=128, patch=16, width=96, layers=3, heads=4),
    )


def isa_4b() -> ModelConfig:
    """The paper's size."""
    return ModelConfig(
        name="isa-4b",
        short_side=512,
        close_up=512,
        max_frames=97,
        shift=3.0,
        image_tower=ImageTowerConfig(name="ViT-L-14", size=224, patch=14, width=1024, layers=24, heads=16),
    )


MODELS: dict[str, Callable[[], ModelConfig]] = {
    "isa-tiny": isa_tiny,
    "isa-small": isa_small,
    "isa-4b": isa_4b,
}


# The ablations of Table 4: what follows a model's name, and what it changes of the transformer.
ABLATIONS: dict[str, dict[str, Any]] = {
    "without-ispe": {"conditioning": "isa-without-ispe"},
    # A map has no holes at any size if it is drawn from all of a shot's points.
    "controlnet-2d": {"conditioning": "controlnet-2d", "points": POINTS},
}
# The same of other readouts and inputs than the paper's, which can go on from a model's weights.
READOUTS: dict[str, dict[str, Any]] = {
    "splat": {"identity_splat": True},
    "background": {"readout": "background"},
    "background-splat": {"readout": "background", "identity_splat": True},
}

# The same with another decoder of the same latents, trained on from a model's.
DECODERS: dict[str, dict[str, Any]] = {"tail": {"tail_width": 48}}
# The same with what the paper starts from, SD3's image transformer (``training.from_sd3``): it has no norms
# of queries and keys, and a table of positions for 192 × 192 tokens that is centred on 64 × 64.
ORIGINS: dict[str, dict[str, Any]] = {"sd3": {"qk_norm": False, "position_grid": (192, 64)}}

# The same, larger: what minutes of a large GPU can train and a few files carry. No gate: their readout starts
# from the background.
SIZES: dict[str, dict[str, Any]] = {
    "wide": {"width": 192, "layers": 6, "heads": 3, "readout": "background", "identity_splat": True},
}


def model_config(name: str) -> ModelConfig:
    """The configuration of that name: a model's, or a variant's ("isa-tiny-controlnet-2d").

    Raises:
        ModelError: there is none.
    """
    base, variant = _parts_of_name(name)
    config = MODELS[base]()
    return replace(
        config,
        name=name,
        gate=config.gate and variant not in SIZES,
        dit=replace(config.dit, **{**ABLATIONS, **READOUTS, **SIZES, **ORIGINS}.get(variant, {})),
        vae=replace(config.vae, **DECODERS.get(variant, {})),
    )


def _parts_of_name(name: str) -> tuple[str, str]:
    """A model's name, and a variant's or nothing."""
    for ending in (*ABLATIONS, *READOUTS, *SIZES, *DECODERS, *ORIGINS):
        if (base := name.removesuffix(f"-{ending}")) != name and base in MODELS:
            return base, ending
    if name not in MODELS:
        raise ModelError(f"there is no model '{name}'", remedy=f"Choose one of: {', '.join(MODELS)}.")
    return name, ""


# Pictures of its first frame that a generation shows on the way, at most.
PREVIEWS = 6

WEIGHTS = Path(__file__).resolve().parent / "weights"
CARD = "card.json"


def weights_folder(name: str) -> Path | None:
    """Where the weights of a named model are; None: it is untrained."""
    folder = WEIGHTS / name
    return folder if (folder / CARD).exists() else None


def autoencoder_folder(name: str) -> Path | None:
    """Where the autoencoder of a named model is, or of its variants, which but for ``DECODERS`` share it: it
    is trained before the rest is.

    None: it is untrained.
    """
    base, variant = _parts_of_name(name)
    folder = WEIGHTS / (name if variant in DECODERS else base)
    return folder if (folder / "vae.safetensors").exists() else None
