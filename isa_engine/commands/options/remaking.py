"""The options ``--of`` and ``--remake`` of commands that make a part of an earlier take again."""

import argparse
from collections.abc import Callable
from functools import partial

from isa_engine.commands.options.ranges import frame_range
from isa_engine.errors import ShotError
from isa_engine.given_path import GivenPath
from isa_engine.results.remake import CHANGED, check_take, remade
from isa_engine.shot import Shot

_REMEDY = "Give the first and the last one, for instance --remake 80-96, or --remake changed."


def add_remaking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--of",
        action=GivenPath,
        metavar="TAKE",
        help="folder of an earlier take's results, of which all is kept that it has",
    )
    parser.add_argument(
        "--remake",
        metavar="FIRST-LAST",
        help="frames of the scene that are made again all the same, for instance 80-96; or 'changed': those "
        "on which cast or camera is not as in the take",
    )


def keeping(arguments: argparse.Namespace) -> Callable[[Shot], Shot]:
    """What gives a shot all that it keeps of an earlier take by the options; without them it stays as it is.

    It raises a ``ShotError`` where the take cannot be kept.

    Raises:
        ShotError: the options make no sense, or no whole take is where they say.
    """
    if arguments.of is None and arguments.remake is None:
        return lambda shot: shot
    if arguments.of is None:
        raise ShotError("nothing says of which take --remake is", remedy="Give its folder with --of.")
    frames = arguments.remake
    if frames not in (None, CHANGED):
        try:
            frames = frame_range(frames)
        except argparse.ArgumentTypeError as error:
            raise ShotError(f"the frames to make again are '{frames}'", remedy=_REMEDY) from error
    check_take(arguments.of)
    return partial(remade, take=arguments.of, frames=frames)
