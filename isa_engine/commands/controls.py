"""``isa-engine controls SHOT --out DIR``: a shot's skeletons, depth, normals, masks, for other programs."""

import argparse

from isa_engine.controls import CONTROLS
from isa_engine.errors import ShotError
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import check_folder
from isa_engine.shot import read_shot
from isa_engine.shot.validation import MAX_CANVAS

HELP = "write a shot's skeletons, depth, normals and masks as pictures"
# Frames of the shot that stand side by side in the contact sheet.
_MOMENTS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shot", action=GivenPath, help="shot file, as the add-on keeps it beside its results")
    parser.add_argument(
        "--out", action=GivenPath, required=True, help="folder for the pictures, a folder each"
    )
    parser.add_argument(
        "--only", nargs="+", choices=list(CONTROLS), default=list(CONTROLS), help="(default: all)"
    )
    parser.add_argument(
        "--size", nargs=2, type=int, metavar=("W", "H"), help="pixels (default: the shot's canvas)"
    )


def run(arguments: argparse.Namespace) -> None:
    import numpy as np
    from PIL import Image

    from isa_engine.pipeline.contact_sheet import write_contact_sheet
    from isa_engine.pipeline.pictures import to_video
    from isa_engine.results.files import cannot_write

    check_folder(arguments.out)
    shot = read_shot(arguments.shot)
    size = tuple(arguments.size or (shot.settings.width, shot.settings.height))
    if not all(1 <= side <= MAX_CANVAS for side in size):
        raise ShotError(
            f"{size[0]} × {size[1]} pixels cannot be drawn", where="--size", remedy=f"Use 1 to {MAX_CANVAS}."
        )
    if "pose" in arguments.only and not any(each.skeleton is not None for each in shot.characters):
        print("note: no joints of anybody are known in this shot, so its skeletons are black", flush=True)
    # A sheet with all frames of a long shot would not fit into memory.
    moments = set(np.linspace(0, shot.frames - 1, _MOMENTS).round().astype(int).tolist())
    rows = []
    try:
        for name in arguments.only:
            folder = arguments.out / name
            folder.mkdir(parents=True, exist_ok=True)
            shown = []
            for frame, picture in enumerate(CONTROLS[name](shot, size)):
                Image.fromarray(picture).save(folder / f"{shot.frame_numbers[frame]:04}.png")
                if frame in moments:
                    shown.append(picture)
            rows.append((name, to_video(np.stack(shown))[0]))
            print(f"{name}: {shot.frames} pictures in {folder}", flush=True)
        write_contact_sheet(arguments.out / "sheet.png", rows)
    except OSError as error:
        raise cannot_write(arguments.out, error) from error
    print(f"sheet: {arguments.out / 'sheet.png'}", flush=True)
