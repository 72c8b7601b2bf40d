"""``isa-engine ingest``: real videos with tracks and masks into shards, the unfit named and counted."""

import argparse
from pathlib import Path

HELP = "turn videos with SMPL-X tracks and masks into shards for training"
REPORT = "report.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="NAME.mp4 beside NAME/, see docs/dataset.md")
    parser.add_argument("--out", type=Path, required=True, help="folder without shards")
    parser.add_argument(
        "--body", type=Path, help="SMPLX_NEUTRAL.npz; the open body, of mean shape, if absent"
    )
    parser.add_argument("--frames", type=int, default=97, help="longest clip")
    parser.add_argument("--shortest", type=int, default=17, metavar="FRAMES")
    parser.add_argument("--short-side", type=int, default=512, metavar="PIXELS")
    parser.add_argument("--held-out", type=float, default=0.02, metavar="SHARE", help="of the videos")


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.body import load_body, open_body
    from isa_engine.data.footage.clips import Ingestion, Report, find_videos, recordings
    from isa_engine.data.media import NEARLY_EXACT
    from isa_engine.data.members import pack
    from isa_engine.data.shards import write_shards
    from isa_engine.errors import DataError

    if not arguments.folder.is_dir() or not (videos := find_videos(arguments.folder)):
        raise DataError("there are no videos", where=str(arguments.folder))
    arguments.out.mkdir(parents=True, exist_ok=True)
    if any(arguments.out.glob("*.tar")):
        remedy = "Choose an empty folder."
        raise DataError("there are shards in the folder", where=str(arguments.out), remedy=remedy)
    settings = Ingestion(arguments.frames, arguments.shortest, arguments.short_side, arguments.held_out)
    body = load_body(arguments.body) if arguments.body else open_body()

    def progress(done: int, videos: int) -> None:
        print(f"\r{done} of {videos} videos   ", end="", flush=True)

    report = Report()
    found = recordings(videos, body, arguments.body is not None, settings, report, progress)
    try:
        write_shards(arguments.out, ((key, pack(clip, NEARLY_EXACT)) for key, clip in found))
    finally:
        report.write(arguments.out / REPORT)
        print()
    print(f"{report.table()}\n\neach by name in {arguments.out / REPORT}")
