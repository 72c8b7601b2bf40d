"""Numbers on a command line, refused before any work where they mean nothing."""

import argparse
from collections.abc import Callable

Number = int | float


def within(kind: type[Number], least: Number, most: Number) -> Callable[[str], Number]:
    """A ``type`` of argparse: a number of a kind from ``least`` to ``most``; NaN is none."""
    named = "a whole number" if kind is int else "a number"

    def read(text: str) -> Number:
        try:
            number = kind(text)
        except ValueError:
            number = float("nan")
        # NaN is not within anything.
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not {named} from {least} to {most}")
        return number

    return read
