"""``isa-engine generate SHOT --out DIR``: the plate of a shot file, without Blender."""

import argparse
from functools import partial

from isa_engine.commands.options.part import add_part, part_of
from isa_engine.commands.options.remaking import add_remaking, keeping
from isa_engine.commands.options.wishes import add_wishes, with_wishes
from isa_engine.given_path import GivenPath
from isa_engine.models import describe
from isa_engine.out_folder import check_folder
from isa_engine.sandbox import check_footage
from isa_engine.shot import read_shot

HELP = "make the plate of a shot file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shot", action=GivenPath, help="shot file, as the add-on keeps it beside its results")
    parser.add_argument("--out", action=GivenPath, required=True, help="folder for the results")
    add_part(parser)
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
    # Before a model is loaded, which takes longer than to say that a wish is impossible.
    check_folder(arguments.out)
    told = read_shot(arguments.shot)
    shot = with_wishes(part_of(told, arguments), arguments, describe, partial(print, flush=True))
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
    file = arguments.shot if shot is told else None
    result = generate(shot, model, arguments.out, report, file=file)
    print(f"plate: {result.plate}", flush=True)
