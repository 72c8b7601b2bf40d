"""What a command line may wish of a scene."""

import argparse
from pathlib import Path

from isa_engine.configuration.policies import POLICIES
from isa_engine.errors import SceneError
from isa_engine.models.refusal import check_wishes

from ..settings.cast import cast_picture, refresh_cast
from ..settings.models import model_named
from ..settings.presets import BUILT_IN, presets


def add_scene_arguments(parser: argparse.ArgumentParser) -> None:
    """The wishes that ``configure`` puts into the scene."""
    parser.add_argument("--reference", type=Path, metavar="PICTURE", help="cast it for all characters")
    parser.add_argument("--model", metavar="NAME", help="another model than the scene's")
    parser.add_argument("--prompt", help="other words for what the video is to show")
    parser.add_argument("--negative-prompt", help="other words for what is not to be seen")
    parser.add_argument(
        "--one-by-one",
        action=argparse.BooleanOptionalAction,
        help="paint the people one after the other, by models that can",
    )
    parser.add_argument("--steering", metavar="CONTROL", help="pose or depth, by models that can choose")
    parser.add_argument("--painted", metavar="CONTROL", help="mask or boxes, by models that can choose")
    parser.add_argument(
        "--preset", choices=list(BUILT_IN), help="steps, guidance and what is computed of a preset"
    )
    parser.add_argument("--steps", type=int, help="another number of denoising steps than the scene's")
    parser.add_argument("--guidance", type=float, help="another guidance scale than the scene's")
    parser.add_argument("--policy", choices=list(POLICIES), help="which steps ask the network")
    parser.add_argument("--seed", type=int, help="another seed than the scene's")
    parser.add_argument(
        "--detail", type=int, help="tiles along the shorter side, by models that paint in tiles"
    )


def configure(scene, arguments: argparse.Namespace) -> None:
    """Put the command line's wishes into the scene's settings, where the saved file keeps them.

    Raises:
        SceneError: there is no such model, or a number is out of range.
        ModelError: the model cannot do what is wished.
    """
    refresh_cast(scene)
    if arguments.reference:
        cast_picture(scene, str(arguments.reference.absolute()))
    model = model_named(arguments.model or scene.isa.model)
    check_wishes(model, vars(arguments))
    presets.use_model(model.name, scene)
    for name in ("prompt", "negative_prompt", "one_by_one", "steering", "painted"):
        if getattr(arguments, name) is not None:
            setattr(scene.isa, name, getattr(arguments, name))
    if arguments.preset:
        presets.use(arguments.preset, scene)
    if arguments.policy:
        scene.isa.policy = arguments.policy
    for name in ("steps", "guidance", "seed", "detail"):
        value = getattr(arguments, name)
        if value is not None:
            # Blender would limit it silently.
            limits = scene.isa.bl_rna.properties[name]
            if not limits.hard_min <= value <= limits.hard_max:
                remedy = f"Give {limits.hard_min} to {limits.hard_max}."
                raise SceneError(f"--{name} {value} is out of range", remedy=remedy)
            setattr(scene.isa, name, value)
