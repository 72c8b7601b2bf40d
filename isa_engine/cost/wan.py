"""Operations and memory of a Wan transformer with VACE's control branch, from its configuration alone."""

from typing import Any

from isa_engine.cost.products import Product, attention

# Tokens of a prompt, with its padding.
TEXT_TOKENS = 226
# Floats in memory at once for each feature of a token, as in ``cost.memory``.
_KEPT = 14


def tokens(config: dict[str, Any], latent_frames: int, height: int, width: int) -> int:
    """Tokens of a video of so many latent frames, each height × width latent pixels."""
    t, h, w = config["patch_size"]
    return (latent_frames // t) * (height // h) * (width // w)


def transformer(config: dict[str, Any], count: int) -> list[Product]:
    """The products of one forward pass over so many video tokens."""
    width = config["num_attention_heads"] * config["attention_head_dim"]
    t, h, w = config["patch_size"]
    patch, blocks = t * h * w, config["num_layers"] + len(config["vace_layers"])
    return [
        Product("patches", count, patch * (config["in_channels"] + config["vace_in_channels"]), width),
        Product("patches", count, width, patch * config["out_channels"]),
        Product("text", TEXT_TOKENS, config["text_dim"], width),
        Product("text", TEXT_TOKENS, width, width),
        Product("self-attention", count, width, 4 * width, blocks),
        *attention("self-attention", 1, count, count, width, blocks),
        Product("text", count, width, 2 * width, blocks),
        Product("text", TEXT_TOKENS, width, 2 * width, blocks),
        *attention("text", 1, count, TEXT_TOKENS, width, blocks),
        Product("feed-forward", count, width, 2 * config["ffn_dim"], blocks),
        Product("control", count, width, width, len(config["vace_layers"]) + 1),
    ]


def floats_beside(config: dict[str, Any], count: int) -> float:
    """How many numbers a forward pass holds in memory beside the weights."""
    width = config["num_attention_heads"] * config["attention_head_dim"]
    # The control blocks run first, and the output of each is kept until the main block that adds it.
    return (_KEPT + len(config["vace_layers"])) * width * count
