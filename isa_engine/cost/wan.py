"""Operations and memory of a Wan transformer with VACE's control branch, from its shape alone."""

from dataclasses import dataclass
from typing import Any

from isa_engine.cost.products import Product, attention

# Tokens of a prompt, with its padding.
TEXT_TOKENS = 226
# Floats in memory at once for each feature of a token, as in ``cost.memory``.
_KEPT = 14
# Those of a first block cache, of each branch: what the first block and the others added, and the tokens
# between.
_CACHED = 3
# Larger numbers in a description that another machine sent are refused.
_MOST = 2**24


@dataclass(frozen=True)
class Shape:
    """The sizes of the networks, from which their cost follows.

    Attributes:
        patch: frames, rows and columns of latents to a token.
        side: pixels to a latent pixel's side.
        width, layers, feed_forward: of the transformer.
        controls: how many of its layers have a control block.
        channels, control_channels: of the latents, and of the control that it reads beside them.
        text: features of a token of text.
    """

    patch: tuple[int, int, int]
    side: int
    width: int
    layers: int
    feed_forward: int
    controls: int
    channels: int
    control_channels: int
    text: int

    def __post_init__(self):
        numbers = (*self.patch, *(value for value in vars(self).values() if value is not self.patch))
        if len(self.patch) != 3 or not all(type(n) is int and 0 < n < _MOST for n in numbers):
            raise ValueError(f"{self} is no shape of a network")

    @classmethod
    def of(cls, configs: dict[str, dict[str, Any]]) -> "Shape":
        """Read from the configurations of diffusers, one for each part of the model.

        Raises:
            KeyError, TypeError, ValueError: they make no sense.
        """
        found = configs["transformer"]
        return cls(
            patch=tuple(found["patch_size"]),
            side=2 ** len(configs["vae"]["temperal_downsample"]),
            width=found["num_attention_heads"] * found["attention_head_dim"],
            layers=found["num_layers"],
            feed_forward=found["ffn_dim"],
            controls=len(found["vace_layers"]),
            channels=found["in_channels"],
            control_channels=found["vace_in_channels"],
            text=found["text_dim"],
        )


def tokens(shape: Shape, latent_frames: int, height: int, width: int) -> int:
    """Tokens of a video of so many latent frames, each height × width latent pixels."""
    t, h, w = shape.patch
    return (latent_frames // t) * (height // h) * (width // w)


def transformer(shape: Shape, count: int) -> list[Product]:
    """The products of one forward pass over so many video tokens."""
    t, h, w = shape.patch
    width, patch, blocks = shape.width, t * h * w, shape.layers + shape.controls
    return [
        Product("patches", count, patch * (shape.channels + shape.control_channels), width),
        Product("patches", count, width, patch * shape.channels),
        Product("text", TEXT_TOKENS, shape.text, width),
        Product("text", TEXT_TOKENS, width, width),
        Product("self-attention", count, width, 4 * width, blocks),
        *attention("self-attention", 1, count, count, width, blocks),
        Product("text", count, width, 2 * width, blocks),
        Product("text", TEXT_TOKENS, width, 2 * width, blocks),
        *attention("text", 1, count, TEXT_TOKENS, width, blocks),
        Product("feed-forward", count, width, 2 * shape.feed_forward, blocks),
        Product("control", count, width, width, shape.controls + 1),
    ]


def floats_beside(shape: Shape, count: int, cached: int = 0) -> float:
    """How many numbers a forward pass holds in memory beside the weights.

    Args:
        cached: branches of guidance of which a first block cache keeps something.
    """
    # The control blocks run first, and the output of each is kept until the main block that adds it.
    return (_KEPT + shape.controls + _CACHED * cached) * shape.width * count
