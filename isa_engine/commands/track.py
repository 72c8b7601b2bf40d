"""``isa-engine track VIDEO --out FOLDER``: how people move in a video, as a file that the add-on imports."""

import argparse

from isa_engine.given_path import GivenPath
from isa_engine.out_folder import make_folder

HELP = "find and follow people in a video"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", action=GivenPath)
    parser.add_argument("--out", action=GivenPath, required=True, help="folder that gets detected.npz")


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.body import open_body
    from isa_engine.data.footage.detected import DETECTED
    from isa_engine.detection.detector import LARGEST_FILE, Detector
    from isa_engine.detection.performance import performances
    from isa_engine.detection.track_file import write_tracks
    from isa_engine.errors import DataError, reason

    def report(what: str):
        return lambda done, of: print(f"{what} {done} {of}", flush=True)

    video = arguments.video
    # Now: to look at a video takes hours.
    make_folder(arguments.out)
    try:
        with video.open("rb") as file:
            # One byte more, and the detector refuses it.
            encoded = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DataError(f"the video cannot be read: {reason(error)}", where=str(video)) from error
    footage = Detector(report("seen")).video(encoded, video.name)
    people = performances(footage, open_body(), report("posed"))
    if not people:
        remedy = "People should be seen nearly whole, and for more than a moment."
        raise DataError("nobody is found in the video", where=video.name, remedy=remedy)
    write_tracks(arguments.out / DETECTED, people, footage.size, footage.rate)
    print(f"{len(people)} people: {arguments.out / DETECTED}", flush=True)
