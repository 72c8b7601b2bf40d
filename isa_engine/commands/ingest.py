"""``isa-engine ingest``: videos with tracks and masks, or clips rendered by Blender, into shards.

What is unfit or broken is named and counted.
"""

import argparse

from isa_engine.given_path import GivenPath
from isa_engine.out_folder import check_folder, make_folder

HELP = "turn videos with body tracks and masks, or clips rendered by Blender, into shards"
REPORT = "report.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", action=GivenPath, help="NAME.mp4 beside NAME/, see docs/dataset.md")
    parser.add_argument("--out", action=GivenPath, required=True, help="folder without shards")
    parser.add_argument(
        "--body", action=GivenPath, help="SMPLX_NEUTRAL.npz (default: the open body, mean shape)"
    )
    parser.add_argument("--frames", type=int, default=97, help="of the longest clip of a video (default: 97)")
    parser.add_argument(
        "--shortest", type=int, default=17, metavar="FRAMES", help="leave out what is shorter (default: 17)"
    )
    parser.add_argument(
        "--short-side",
        type=int,
        default=512,
        metavar="PIXELS",
        help="scale larger pictures down to it (default: 512)",
    )
    parser.add_argument(
        "--held-out",
        type=float,
        default=0.02,
        metavar="SHARE",
        help="of the videos, to measure with (default: 0.02)",
    )


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.body import load_body, open_body
    from isa_engine.data.footage.clips import Ingestion, find_videos, recordings
    from isa_engine.data.recordings.media import EXACT, NEARLY_EXACT
    from isa_engine.data.recordings.members import pack
    from isa_engine.data.recordings.rendered import rendered_clips, rendered_folders
    from isa_engine.data.recordings.report import Report
    from isa_engine.data.recordings.shards import write_shards
    from isa_engine.errors import DataError

    check_folder(arguments.out)
    if not arguments.folder.is_dir():
        raise DataError("there is no such folder", where=str(arguments.folder))
    settings = Ingestion(arguments.frames, arguments.shortest, arguments.short_side, arguments.held_out)
    make_folder(arguments.out)
    if any(arguments.out.glob("*.tar")):
        remedy = "Choose an empty folder."
        raise DataError("there are shards in the folder", where=str(arguments.out), remedy=remedy)

    def progress(done: int, all_of_them: int) -> None:
        print(f"\r{done} of {all_of_them}   ", end="", flush=True)

    report = Report()
    if rendered := rendered_folders(arguments.folder):
        found, quantiser = rendered_clips(rendered, report, progress), EXACT
    elif videos := find_videos(arguments.folder):
        body = load_body(arguments.body) if arguments.body else open_body()
        found = recordings(videos, body, arguments.body is not None, settings, report, progress)
        quantiser = NEARLY_EXACT
    else:
        raise DataError("there are neither videos nor rendered clips", where=str(arguments.folder))
    try:
        write_shards(arguments.out, ((key, pack(clip, quantiser)) for key, clip in found))
    finally:
        report.write(arguments.out / REPORT)
        print()
    print(f"{report.table()}\n\neach by name in {arguments.out / REPORT}")
