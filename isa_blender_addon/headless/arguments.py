"""What a command line may wish of a scene."""

import argparse

from isa_engine.commands.options.wishes import add_wishes, wished
from isa_engine.errors import SceneError
from isa_engine.given_path import GivenPath
from isa_engine.models.refusal import check_wishes

from ..settings.cast import cast_picture, refresh_cast
from ..settings.models import model_named
from ..settings.presets import presets


def add_scene_arguments(parser: argparse.ArgumentParser) -> None:
    """The wishes that ``configure`` puts into the scene."""
    parser.add_argument(
        "--reference",
        action=GivenPath,
        metavar="PICTURE",
        help="one picture that shows all characters as posed on the first frame",
    )
    add_wishes(parser, "the scene's")
    parser.add_argument(
        "--detail",
        type=int,
        metavar="1-4",
        help="a larger canvas: so many tiles along the shorter side, by models that paint in tiles",
    )


def configure(scene, arguments: argparse.Namespace) -> None:
    """Put the command line's wishes into the scene's settings, where the saved file keeps them.

    Raises:
        SceneError: there is no such model, a number is out of range, or there is no background for a wish.
        ModelError: the model cannot do what is wished.
    """
    refresh_cast(scene)
    if arguments.reference:
        cast_picture(scene, str(arguments.reference.absolute()))
    model = model_named(arguments.model or scene.isa.model)
    wishes = {**wished(arguments), "detail": arguments.detail}
    check_wishes(model, wishes)
    if (wishes.get("plate_scale") or 1) > 1 and scene.isa.background == "NONE":
        raise SceneError(
            "without a background a plate has the pixels of its canvas",
            remedy="Leave out --plate-scale, or choose a background in the scene.",
        )
    presets.use_model(model.name, scene)
    if arguments.preset:
        presets.use(arguments.preset, scene)
    for name, value in wishes.items():
        # The model stands already, where no preset has another.
        if value is not None and name != "model":
            _give(scene.isa, name, value)


def _give(settings, name: str, value: object) -> None:
    limits = settings.bl_rna.properties[name]
    # Blender would limit a number silently.
    if limits.type in ("INT", "FLOAT") and not limits.hard_min <= value <= limits.hard_max:
        remedy = f"Give {limits.hard_min} to {limits.hard_max}."
        option = name.replace("_", "-")
        raise SceneError(f"--{option} {value} is out of range", remedy=remedy)
    setattr(settings, name, value)
