"""A network as the matrix products that it consists of, from which its operations and its weights follow.

A multiplication and an addition are two operations, as torch's ``FlopCounterMode`` counts. Element-wise work
and norms are left out by both, and biases are no products: all that is less than a hundredth.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """Matrices ``(rows, inside) @ (inside, outside)``.

    Attributes:
        part: of the network.
        rows: vectors that pass it.
        inside, outside: features before and after.
        times: how many such products there are, with different weights.
        learned: whether ``(inside, outside)`` are weights; in attention they are keys and values.
    """

    part: str
    rows: float
    inside: int
    outside: int
    times: int = 1
    learned: bool = True


def convolution(part: str, places: float, inside: int, outside: int, taps: int, times: int = 1) -> Product:
    """A convolution that gives so many places, each from ``taps`` others."""
    return Product(part, places, inside * taps, outside, times)


def attention(
    part: str, groups: float, queries: int, keys: int, width: int, times: int = 1
) -> tuple[Product, Product]:
    """QKᵀ and the weighted sum of V, in groups that do not see each other; without the projections."""
    rows = groups * queries
    return (
        Product(part, rows, width, keys, times, learned=False),
        Product(part, rows, keys, width, times, learned=False),
    )


def operations(products: Iterable[Product]) -> dict[str, int]:
    """Floating point operations by part."""
    parts: dict[str, int] = {}
    for product in products:
        count = round(2 * product.rows * product.inside * product.outside * product.times)
        parts[product.part] = parts.get(product.part, 0) + count
    return parts


def weights(products: Iterable[Product]) -> int:
    """How many numbers the learned matrices have."""
    return sum(each.inside * each.outside * each.times for each in products if each.learned)
