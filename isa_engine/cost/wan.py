"""Operations and memory of a Wan transformer with VACE's control branch, from its configuration alone."""

from typing import Any

from isa_engine.cost.products import Product, attention

# Words of a prompt, padded.
TEXT_TOKENS = 226
# Floats kept a feature at a time, as of the house's own transformer.
_KEPT = 14


def tokens(config: dict[str, Any], latent_frames: int, height: int, width: int) -> int:
    """Of a video with so many latent frames of so many latent pixels."""
    t, h, w = config["patch_size"]
    return (latent_frames // t) * (height // h) * (width // w)


def transformer(config: dict[str, Any], count: int) -> list[Product]:
    """The products of one evaluation for so many video tokens."""
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
    """Numbers that an evaluation holds beside the weights."""
    width = config["num_attention_heads"] * config["attention_head_dim"]
    # Each control block's hint is kept until its block is reached.
    return (_KEPT + len(config["vace_layers"])) * width * count
