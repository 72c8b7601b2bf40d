"""``isa-engine track VIDEO --out FOLDER``: how people move in a video, as a file that the add-on imports."""

import argparse
from pathlib import Path

HELP = "find and follow people in a video"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder that gets detected.npz")


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.body import open_body
    from isa_engine.data.footage.detected import DETECTED
    from isa_engine.detection.detector import Detector
    from isa_engine.detection.performance import performances
    from isa_engine.detection.track_file import write_tracks
    from isa_engine.errors import DataError, reason

    def report(what: str):
        return lambda done, of: print(f"{what} {done} {of}", flush=True)

    video = arguments.video
    try:
        encoded = video.read_bytes()
    except OSError as error:
        raise DataError(f"the video cannot be read: {reason(error)}", where=str(video)) from error
    footage = Detector(report("seen")).video(encoded, video.name)
    people = performances(footage, open_body(), report("posed"))
    if not people:
        remedy = "People should be seen nearly whole, and for more than a moment."
        raise DataError("nobody is found in the video", where=video.name, remedy=remedy)
    write_tracks(arguments.out / DETECTED, people, footage.size, footage.rate)
    print(f"{len(people)} people: {arguments.out / DETECTED}", flush=True)
