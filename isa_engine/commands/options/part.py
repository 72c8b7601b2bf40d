"""The option ``--frames`` of commands that take a shot file: only a part of it."""

import argparse
import dataclasses
import itertools

import numpy as np

from isa_engine.commands.options.ranges import frame_range
from isa_engine.errors import ShotError
from isa_engine.shot import Shot


def add_part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--frames",
        type=frame_range,
        metavar="FIRST-LAST",
        help="only these frames of the scene, for instance 80-96 (default: all that the shot has); frames "
        "before 0 after an equals sign: --frames=-8--3",
    )


def part_of(shot: Shot, arguments: argparse.Namespace) -> Shot:
    """The frames of a shot that the option names, as a shot of its own; the shot itself where all are meant.

    Nothing of an earlier take is kept in a part. Who is hidden on all of its frames is left out.

    Raises:
        ShotError: the shot has none of them, or nobody is shown on them; or the background cannot be decoded.
    """
    if arguments.frames is None:
        return shot
    asked, numbers = arguments.frames, shot.frame_numbers
    within = np.flatnonzero((numbers >= asked[0]) & (numbers <= asked[1]))
    has = f"The shot has {numbers[0]} to {numbers[-1]}."
    if not len(within):
        raise ShotError(
            "the shot has none of these frames", where="--frames {}-{}".format(*asked), remedy=has
        )
    first, end = int(within[0]), int(within[-1]) + 1
    if end - first == shot.frames:
        return shot
    part = shot.during(first, end)
    cast = tuple(character for character in part.characters if character.visible.any())
    if not cast:
        raise ShotError("nobody is shown on these frames", where="--frames {}-{}".format(*asked), remedy=has)
    return dataclasses.replace(part, characters=cast, background=_background(shot, first, end))


def _background(shot: Shot, first: int, end: int) -> bytes | None:
    """The background's frames ``[first, end)``: without its beginning it is coded anew, of the plate's size,
    without loss."""
    if shot.background is None or first == 0:
        return shot.background
    # Here alone: a machine that only sends shots may have no codecs.
    from isa_engine.data.recordings.media import EXACT, encode_video
    from isa_engine.sandbox import footage

    # One after the other: a long background's are gigabytes.
    shown = itertools.islice(footage(shot.background, end, shot.settings.plate_size), first, None)
    return encode_video(shown, float(shot.fps), EXACT)
