"""A network as the matrix products that it consists of, from which its operations and its weights follow.

A multiplication and an addition are two operations, as in torch's ``FlopCounterMode``. Element-wise work,
norms and biases are left out, as they are there; together they are less than 1 %.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """A product of matrices, ``(rows, inside) @ (inside, outside)``.

    Attributes:
        part: of the network that it belongs to.
        rows: how many vectors are multiplied.
        inside, outside: features before and after.
        times: how many such products there are, each with weights of its own.
        learned: whether the second matrix is weights; in attention it is keys or values.
    """

    part: str
    rows: float
    inside: int
    outside: int
    times: int = 1
    learned: bool = True


def convolution(part: str, places: float, inside: int, outside: int, taps: int, times: int = 1) -> Product:
    """A convolution with ``places`` outputs, each computed from ``taps`` places of its input."""
    return Product(part, places, inside * taps, outside, times)


def attention(
    part: str, groups: float, queries: int, keys: int, width: int, times: int = 1
) -> tuple[Product, Product]:
    """QKᵀ and the weighted sum of V, without projections, in so many groups that do not see each other."""
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


def between_tokens(products: Iterable[Product]) -> dict[str, int]:
    """Of ``operations`` those of queries with keys, and of their weights with values: attention without
    projections. What a sparse pattern or another kernel can spare is among these."""
    return operations(product for product in products if not product.learned)


def weights(products: Iterable[Product]) -> int:
    """How many weights the learned matrices have."""
    return sum(each.inside * each.outside * each.times for each in products if each.learned)
