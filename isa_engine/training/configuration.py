"""Training runs as plain data, read from TOML."""

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from isa_engine.errors import ModelError, reason


@dataclass(frozen=True)
class VAETraining:
    """A run of the VideoVAE (paper, 4.2).

    Attributes:
        model: a named configuration.
        start: folder of a finished run whose weights to start from; empty: fresh ones.
        frames, steps: of the two stages, short clips and then long ones (33 and 97 in the paper).
        batch, height, width: of a step's clips.
        clips: different clips, kept in the run's folder once made; zero makes each step's anew.
        precision: "fp32" or "bf16" (mixed).
        learning_rate: its peak, after ``warm_up`` steps, from which it falls to nothing by the run's end.
        l1, perceptual, kl, regularisation, gan_2d, gan_3d: the λ of Eqs. 1 and 2; zero leaves a term out.
        l2: of a squared error beside the paper's L1, which a small network learns faster from.
        feature_matching: of the difference between what the discriminators see in a render and in what was
            decoded, a perceptual loss where there is no perceptual network.
        gan_from: share of the run after which discriminators play.
        discriminator_width: their channels at first.
        latent_noise: greatest deviation, in normalised latents, of the noise that a clip's latents get before
            they are decoded: a transformer's are never quite right, either.
        optimizer: of ``training.runs.optimizers``.
        latent_anchor: of the squared distance, in normalised latents, from those of the encoder that the run
            starts with: an encoder that learns on must not leave the transformer that reads its latents.
        linear_start: clips to which the fresh linear maps of a model of windows are fitted before the first
            step; zero leaves them as the cosine transform.
        train_encoder: whether the encoder learns; if not, latents stay as they are and the decoder learns
            alone.
        train_decoder: whether the decoder's networks learn; if neither does, the pixel tail learns alone.
        matte: weight of the matte head's loss; zero leaves the head as it is.
        lpips: path of the perceptual network's weights, needed where ``perceptual`` is not zero.
        fastest: top speed of the dynamic speed adjustment, in frames a frame.
        shift: pixels of spare picture on each axis for random structured motion.
        seed: of weights, data and noise.
    """

    model: str = "isa-tiny"
    start: str = ""
    frames: tuple[int, int] = (33, 97)
    steps: tuple[int, int] = (20000, 5000)
    batch: int = 4
    clips: int = 0
    height: int = 128
    width: int = 128
    optimizer: str = "adamw"
    precision: str = "fp32"
    learning_rate: float = 3e-4
    warm_up: int = 200
    l1: float = 1.0
    l2: float = 0.0
    perceptual: float = 0.0
    kl: float = 1e-6
    regularisation: float = 0.1
    gan_2d: float = 0.05
    gan_3d: float = 0.05
    feature_matching: float = 0.0
    gan_from: float = 0.67
    discriminator_width: int = 64
    latent_noise: float = 0.0
    latent_anchor: float = 0.0
    linear_start: int = 160
    train_encoder: bool = True
    train_decoder: bool = True
    matte: float = 1.0
    lpips: str = ""
    fastest: float = 2.0
    shift: int = 32
    seed: int = 0


@dataclass(frozen=True)
class DiTTraining:
    """A run of the ISA-DiT (paper, 5.3).

    Attributes:
        model: a named configuration.
        autoencoder: folder of a finished run of the VideoVAE; empty: the bundled one.
        samples: different pictures of each canvas, and so many fewer clips as they have latent frames, kept
            in the run's folder once made; zero makes each step's anew.
        start: folder of a finished run whose weights to start from; empty: fresh ones.
        points: surface points a character to learn from; zero: as many as the model looks at. A run with
            fewer costs less, and its weights serve any number.
        image_tower: CLIP's image tower as safetensors, as open_clip writes them, which stays as it is; empty:
            the tower learns with the transformer.
        steps: optimiser steps.
        batch: latent frames a step, in as many clips as have them.
        frames: lengths to draw from; 1 is a picture.
        sizes: canvases to draw from, pixels, as "WIDTHxHEIGHT".
        optimizer: of ``training.runs.optimizers``.
        learning_rate: after ``warm_up`` steps, constant until the last ``cool_down_share`` of the run, in
            which it falls linearly to nothing.
        ema: decay of the averaged weights.
        figure_weight, shadow_weight: how many times an error counts on or beside a figure, and where its
            shadow lies (``training.dit.figures``).
        drop_cast: share of samples that train the unconditional branch of guidance.
        drop_identity, drop_image, drop_reference, drop_background, drop_camera: share that lose one
            condition alone.
        precision: "fp32" or "bf16" (mixed).
        gradient_checkpointing: recompute each block in the backward pass.
        lora_rank: train low-rank adapters of this rank and nothing else; zero trains everything.
        seed: of weights, data, noise and dropout.
    """

    model: str = "isa-tiny"
    autoencoder: str = ""
    samples: int = 0
    start: str = ""
    points: int = 0
    image_tower: str = ""
    steps: int = 100000
    batch: int = 24
    frames: tuple[int, ...] = (1, 9, 17, 33)
    sizes: tuple[str, ...] = ("128x128", "224x128", "128x224")
    optimizer: str = "adamw"
    learning_rate: float = 5e-4
    warm_up: int = 200
    cool_down_share: float = 0.0
    ema: float = 0.999
    figure_weight: float = 1.0
    shadow_weight: float = 1.0
    drop_cast: float = 0.1
    drop_identity: float = 0.05
    drop_image: float = 0.05
    drop_reference: float = 0.05
    drop_background: float = 0.3
    drop_camera: float = 0.05
    precision: str = "fp32"
    gradient_checkpointing: bool = False
    lora_rank: int = 0
    seed: int = 0


@dataclass(frozen=True)
class GateTraining:
    """A run of the background gate, on a finished transformer.

    Attributes:
        model: a named configuration that has a gate.
        autoencoder: folder of a finished run of the VideoVAE; empty: the bundled one.
        start: folder of the transformer that the gate reads; empty: the bundled one.
        steps: batches that it is fitted to, one after the other.
        batch, frames, sizes: as of ``DiTTraining``.
        learning_rate: at the first step; it falls linearly to nothing.
        ground_weight, shadow_weight: what an error counts where nobody stands, and there where the cast's
            shadow lies, against one on or beside a figure. Both are so much fainter than a figure that the
            gate would otherwise leave the one grainy, and wipe the other off.
        seed: of data and noise.
    """

    model: str = "isa-tiny"
    autoencoder: str = ""
    start: str = ""
    steps: int = 100
    batch: int = 4
    frames: tuple[int, ...] = (1, 5)
    sizes: tuple[str, ...] = ("128x128",)
    learning_rate: float = 0.03
    ground_weight: float = 10.0
    shadow_weight: float = 8.0
    seed: int = 0


T = TypeVar("T")


def read_configuration(path: Path, kind: type[T], **changes: Any) -> T:
    """A dataclass from a TOML file, with changes on top.

    Raises:
        ModelError: the file cannot be read, or a key is unknown or of another type; names it.
    """
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        remedy = "Name a TOML file."
        raise ModelError(
            f"cannot read the configuration: {reason(error)}", where=str(path), remedy=remedy
        ) from error
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name, value in {**values, **changes}.items():
        if name not in fields:
            known = ", ".join(fields)
            raise ModelError(f"unknown key '{name}'", where=str(path), remedy=f"Known are: {known}.")
        expected = type(fields[name].default)
        values[name] = tuple(value) if expected is tuple and isinstance(value, list) else value
        if isinstance(value, int) and expected is float:
            values[name] = float(value)
        if type(values[name]) is not expected:
            raise ModelError(f"key '{name}' is {value!r}, not {expected.__name__}", where=str(path))
    return kind(**values)
