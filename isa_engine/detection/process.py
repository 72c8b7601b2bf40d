"""The process that detects: it answers one request and ends. It runs in an environment of its own.

usage: python -m isa_engine.detection.process

Standard input: a line of JSON ``{"kind", "where", "bytes", "box"}``, then so many bytes of a picture or a
video. Standard output: lines of JSON. ``{"done", "of"}`` is progress. A video gives ``{"size", "rate"}``,
then ``{"people": {number: sighting}}`` for each frame, then ``{"end": true}``; a picture gives
``{"people": [sighting]}``. ``{"error"}``, with an error's ``parts``, ends either. The file is decoded only
after the process has given up every right that it does not need for that (``sandbox.confined``).
"""

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from isa_engine.detection.people import Networks, find_people, find_person
from isa_engine.detection.telling import MOST_FRAMES, told
from isa_engine.detection.tracking import track
from isa_engine.errors import EngineError, IsaError, ShotError
from isa_engine.sandbox import media
from isa_engine.sandbox.confined import confine, keep_memory_private, limit
from isa_engine.sandbox.process import warm_up

# The most that the process may take: bytes of memory, and seconds of processor time.
MEMORY = 3 * 2**30
CPU_SECONDS = 4 * 3600
# Pixels of a video's longer side, to which larger ones are scaled: the networks see no more in larger frames,
# and decoding takes longer.
_LONGER_SIDE = 1280
# The fewest frames a second that make sense, and the most.
_SLOWEST, _FASTEST = 0.5, 1000.0


def main() -> None:
    """Load, read the request, give up rights, answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("GLOG_minloglevel", "2")
    try:
        try:
            from isa_engine.detection.networks import MediaPipe
        except ImportError as error:
            remedy = "Run install/detector.sh again."
            raise EngineError(f"the detector is not whole: {error}", remedy=remedy) from error
        for answer in answers(MediaPipe):
            _say(answer)
    except IsaError as error:
        _say({"error": error.parts})
    sys.stdout.flush()
    # An orderly exit would wait for the networks' threads, and those cannot end once rights are given up.
    os._exit(0)


def answers(load: Callable[[], Networks]) -> Iterator[dict[str, Any]]:
    """The answers to the request on standard input; rights are given up before its file is decoded.

    Raises:
        ShotError: the file cannot be decoded.
    """
    keep_memory_private()
    warm_up()
    networks = load()
    # The networks start threads and load files when they see their first picture, so they are shown one now:
    # without rights both would fail.
    blank = np.zeros((64, 64, 3), np.uint8)
    networks.body(blank)
    networks.hand(blank)
    request = json.loads(sys.stdin.buffer.readline())
    encoded, where = sys.stdin.buffer.read(request["bytes"]), request["where"]
    limit(MEMORY, CPU_SECONDS)
    confine()
    if request["kind"] == "video":
        with media.Movie(encoded, where) as movie:
            times, rate = movie.packets(), movie.rate
        if not times:
            raise ShotError("there is no picture in the video", where=where)
        rate, count = _timing(times, rate, where)
        with media.Movie(encoded, where) as movie:
            frames = movie.evenly(_LONGER_SIDE, rate)
            first = next(frames, None)
            if first is None:
                raise ShotError("there is no picture in the video", where=where)
            yield {"size": [first.shape[1], first.shape[0]], "rate": rate}
            for number, people in enumerate(track(itertools.chain([first], frames), networks)):
                yield {"people": {str(name): told(person) for name, person in people.items()}}
                yield {"done": number + 1, "of": count}
        yield {"end": True}
        return
    pixels = media.picture(encoded, where)
    if request["box"] is None:
        found = find_people(pixels, networks, lambda done, of: _say({"done": done, "of": of}))
    else:
        found = find_person(pixels, networks, np.array(request["box"]))
    yield {"people": [told(person) for person in found]}


def _timing(times: list[float], said: float, where: str) -> tuple[float, int]:
    """Frames a second at which a video is looked at, and how many these are.

    Args:
        times: when each frame is shown, in seconds, in order.
        said: frames a second, by the file.

    Raises:
        ShotError: they make no sense, or are too many.
    """
    rate = media.rate_of(times, said)
    if not _SLOWEST <= rate <= _FASTEST:
        remedy = "Save it as H.264 in MP4, at the rate at which it was filmed."
        raise ShotError(f"the video has {rate:.3g} frames a second", where=where, remedy=remedy)
    count = round((times[-1] - times[0]) * rate) + 1
    if count > MOST_FRAMES:
        problem = f"the video has {count} frames, and {MOST_FRAMES} are the most that are looked at"
        raise ShotError(problem, where=where, remedy="Cut it into parts.")
    return rate, count


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
