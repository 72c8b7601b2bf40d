"""The products of the image tower: CLIP's vision transformer (Eq. 21)."""

from isa_engine.configuration import ImageTowerConfig
from isa_engine.cost.products import Product, attention


def token_count(config: ImageTowerConfig) -> int:
    """L: tokens a picture."""
    return 1 + (config.size // config.patch) ** 2


def image_tower(config: ImageTowerConfig, pictures: int) -> list[Product]:
    """The products of a forward pass over so many pictures."""
    tokens, d, layers = token_count(config), config.width, config.layers
    every = pictures * tokens
    return [
        # The class token is learned, and not made of pixels.
        Product("patches", pictures * (tokens - 1), 3 * config.patch**2, d),
        Product("transformer", every, d, d, 4 * layers),
        Product("transformer", every, d, 4 * d, layers),
        Product("transformer", every, 4 * d, d, layers),
        *attention("transformer", pictures, tokens, tokens, d, layers),
    ]
