"""Numbers on a command line, refused before any work where they mean nothing."""

import argparse
import re
from collections.abc import Callable

Number = int | float
_FRAMES = re.compile(r"(-?\d{1,9})-(-?\d{1,9})")


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


def frame_range(text: str) -> tuple[int, int]:
    """A ``type`` of argparse: the first and the last of some frames of a scene, "80-96"."""
    found = _FRAMES.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"'{text}' is no first and last frame, such as 80-96")
    return int(found[1]), int(found[2])
