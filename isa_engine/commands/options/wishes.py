"""The options by which commands wish how a shot is generated, with the names of ``shot.Settings``."""

import argparse
from collections.abc import Callable
from dataclasses import fields, replace

from isa_engine.configuration.policies import POLICIES, PRESETS
from isa_engine.errors import ShotError
from isa_engine.models import Description
from isa_engine.models.refusal import check_wishes
from isa_engine.shot import Settings, Shot, canvas_size, validate


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
    parser.add_argument(
        "--plate-scale",
        type=int,
        metavar="1-4",
        help=f"another size of the plate than {whose}: so many pixels along each side to one of the canvas",
    )
    parser.add_argument("--painted", metavar="CONTROL", help="mask or boxes, by models that can choose")


def wished(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that were given, by their names; a preset's are not among them."""
    given = {field.name: getattr(arguments, field.name, None) for field in fields(Settings)}
    return {name: value for name, value in given.items() if value is not None}


def with_wishes(
    shot: Shot,
    arguments: argparse.Namespace,
    describe: Callable[[str], Description],
    tell: Callable[[str], None],
) -> Shot:
    """A shot with the settings that were wished; the shot itself where none were.

    Args:
        describe: gives the description of a model by its name.
        tell: is called with what else there is to say.

    Raises:
        ModelError: there is no such model, or it cannot do what is wished.
        ShotError: a number is out of range, or the shot has no background for a wish.
    """
    changes, before = wished(arguments), shot.settings
    if not changes and not arguments.preset:
        return shot
    model = describe(changes.get("model", before.model))
    if arguments.preset:
        preset = model.presets[arguments.preset]
        how = {"steps": preset.steps, "guidance": preset.guidance, "policy": preset.policy}
        # The canvas stays the shot's, as with another model, whatever detail the preset has.
        changes = {**how, **changes, "model": preset.model or model.name}
        model = describe(changes["model"])
    shot = validate(replace(shot, settings=replace(before, **changes)))
    check_wishes(model, {**changes, "one_by_one": shot.settings.one_by_one})
    if changes.get("plate_scale", 1) > 1 and shot.background is None:
        problem = "without a background a plate has the pixels of its canvas"
        raise ShotError(problem, remedy="Leave out --plate-scale, or generate the scene with a background.")
    if model.name != before.model and (note := _canvas_note(model, shot.settings)):
        tell(note)
    return shot


def _canvas_note(model: Description, settings: Settings) -> str:
    """Said where a shot is of a canvas that a model is not made for, else "". It stays: the set behind the
    people, and how far away it is, were rendered for it, and another one would only blur them."""
    size = settings.width, settings.height
    details = range(1, model.detail + 1)
    known = [min(canvas_size(*size, model.short_side, model.multiple, detail)) for detail in details]
    if min(size) in known:
        return ""
    return (
        f"note: the canvas stays the shot's, {size[0]} × {size[1]}; '{model.name}' is made for "
        f"{known[0]} pixels along the shorter side. Generate the scene itself with this model for that"
    )
