"""``isa-engine generate SHOT --out DIR``: the plate of a shot file, without Blender."""

import argparse
import dataclasses
from pathlib import Path

from isa_engine.commands.remaking import add_remaking, keeping
from isa_engine.commands.wishes import add_wishes, wished
from isa_engine.models import describe
from isa_engine.models.refusal import check_wishes
from isa_engine.sandbox import check_footage
from isa_engine.shot import read_shot

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
    changes = wished(arguments)
    if arguments.preset:
        model = changes.get("model", shot.settings.model)
        preset = describe(model).presets[arguments.preset]
        how = {"steps": preset.steps, "guidance": preset.guidance, "policy": preset.policy}
        # The canvas stays the shot's: its background was rendered for that, whatever detail the preset has.
        changes = {**how, **changes, "model": preset.model or model}
    shot = dataclasses.replace(shot, settings=dataclasses.replace(shot.settings, **changes))
    check_wishes(describe(shot.settings.model), {**changes, "one_by_one": shot.settings.one_by_one})
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
