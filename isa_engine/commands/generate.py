"""``isa-engine generate SHOT --out DIR``: the plate of a shot file, without Blender."""

import argparse
import dataclasses
from pathlib import Path

from isa_engine.commands.options.remaking import add_remaking, keeping
from isa_engine.commands.options.wishes import add_wishes, wished
from isa_engine.models import Description, describe
from isa_engine.models.refusal import check_wishes
from isa_engine.sandbox import check_footage
from isa_engine.shot import Settings, canvas_size, read_shot, validate

HELP = "make the plate of a shot file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shot", type=Path, help="shot file, as the add-on keeps it beside its results")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    add_wishes(parser, "the shot's")
    add_remaking(parser)
    parser.add_argument(
        "--device",
        default="auto",
        help="cpu, cuda or auto; several that share a long take's steps: cuda:0+cuda:1",
    )
    parser.add_argument(
        "--compile", action="store_true", help="compile the transformer first; pays for many or long takes"
    )


def run(arguments: argparse.Namespace) -> None:
    shot = read_shot(arguments.shot)
    changes, before = wished(arguments), shot.settings.model
    if arguments.preset:
        model = changes.get("model", before)
        preset = describe(model).presets[arguments.preset]
        how = {"steps": preset.steps, "guidance": preset.guidance, "policy": preset.policy}
        # The canvas stays the shot's, as with another model, whatever detail the preset has.
        changes = {**how, **changes, "model": preset.model or model}
    shot = dataclasses.replace(shot, settings=dataclasses.replace(shot.settings, **changes))
    # Before a model is loaded, which takes longer than to say that a wish is impossible.
    validate(shot)
    described = describe(shot.settings.model)
    check_wishes(described, {**changes, "one_by_one": shot.settings.one_by_one})
    if described.name != before:
        _tell_canvas(described, shot.settings)
    if shot.background is not None:
        check_footage(shot.background, shot.frames, f"{arguments.shot}, field 'background'")
    shot = keeping(arguments)(shot)

    from isa_engine.pipeline import Progress, generate, load_model, notes

    print(f"loading {shot.settings.model}", flush=True)
    model = load_model(shot.settings.model, arguments.device, arguments.compile)
    for note in notes(shot, model):
        print(f"note: {note}", flush=True)

    def report(progress: Progress) -> None:
        print(f"{progress.phase} {progress.step}/{progress.steps}", flush=True)

    # As it lies there: only a shot that was changed is packed anew.
    file = None if changes or shot.kept else arguments.shot
    result = generate(shot, model, arguments.out, report, file=file)
    print(f"plate: {result.plate}", flush=True)


def _tell_canvas(model: Description, settings: Settings) -> None:
    """Say it where a shot is of a canvas that a model is not made for. It stays: the set behind the people,
    and how far away it is, were rendered for it, and another one would only blur them."""
    size = settings.width, settings.height
    details = range(1, model.detail + 1)
    known = [min(canvas_size(*size, model.short_side, model.multiple, detail)) for detail in details]
    if min(size) not in known:
        print(
            f"note: the canvas stays the shot's, {size[0]} × {size[1]}; '{model.name}' is made for "
            f"{known[0]} pixels along the shorter side. Generate the scene itself with this model for that",
            flush=True,
        )
