"""The options by which commands wish how a shot is generated, with the names of ``shot.Settings``."""

import argparse
from dataclasses import fields

from isa_engine.configuration.policies import POLICIES, PRESETS
from isa_engine.shot import Settings


def add_wishes(parser: argparse.ArgumentParser, whose: str) -> None:
    """
    Args:
        whose: settings are meant without the options: "the shot's".
    """
    parser.add_argument("--model", metavar="NAME", help=f"another model than {whose}")
    parser.add_argument(
        "--preset",
        choices=list(PRESETS),
        help="Draft to see who stands where, Final to keep; steps, guidance and policy in one",
    )
    parser.add_argument("--steps", type=int, help=f"another number of denoising steps than {whose}")
    parser.add_argument("--guidance", type=float, help=f"another guidance scale than {whose}")
    parser.add_argument(
        "--policy",
        choices=list(POLICIES),
        help=f"which steps ask the network: all, every other, or every fourth ({whose})",
    )
    parser.add_argument("--seed", type=int, help=f"another seed than {whose}")
    parser.add_argument("--prompt", help=f"other words than {whose} for what the video is to show")
    parser.add_argument("--negative-prompt", help=f"other words than {whose} for what is not to be seen")
    parser.add_argument(
        "--one-by-one",
        action=argparse.BooleanOptionalAction,
        help="paint the people one after the other, by models that can",
    )
    parser.add_argument("--steering", metavar="CONTROL", help="pose or depth, by models that can choose")
    parser.add_argument("--painted", metavar="CONTROL", help="mask or boxes, by models that can choose")


def wished(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that were given, by their names; a preset's are not among them."""
    given = {field.name: getattr(arguments, field.name, None) for field in fields(Settings)}
    return {name: value for name, value in given.items() if value is not None}
