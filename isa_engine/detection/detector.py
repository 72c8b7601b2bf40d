"""Asks the detector's process about a picture or a video, and checks every answer: the process has read a
foreign file, which may have taken it over.

numpy only, since Blender imports it. The process runs in an environment of its own, whose place
``install/detector.sh`` has written down.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from isa_engine.body.fitting.landmarks import Sighting
from isa_engine.client.location import python_of
from isa_engine.detection.telling import MOST_FRAMES, understood
from isa_engine.errors import BodyError, Cancelled, EngineError

_COMMAND = ("-P", "-m", "isa_engine.detection.process")
# The most bytes of a file, which is read into memory whole.
LARGEST_FILE = 2**31
# Of a line of answer, which may hold everybody in a picture.
_LONGEST_LINE = 2**22
_MOST_PEOPLE = 100


@dataclass(frozen=True)
class Footage:
    """What was seen in a video.

    Attributes:
        size: width and height in pixels of the frames as they were looked at, scaled down if need be.
        rate: frames a second.
        frames: for each frame, who was seen in it: a person's number → the sighting.
    """

    size: tuple[int, int]
    rate: float
    frames: list[dict[int, Sighting]]


class Detector:
    """One question to the detector. It blocks; ``cancel`` ends it from another thread.

    Args:
        report: called with how many frames or crops are done, and how many there are; 0 if that is not known.
        python: the interpreter of the detector's environment; by default the installed one.

    Raises:
        EngineError: no detector is installed.
    """

    def __init__(self, report: Callable[[int, int], None] = lambda done, of: None, python: str = ""):
        self._report, self._python = report, python or python_of("detector")
        if not self._python:
            remedy = "Run install/detector.sh, or mark the joints by hand."
            raise EngineError("no detector is installed on this machine", remedy=remedy)
        self._process: subprocess.Popen | None = None
        self._cancelled = threading.Event()

    def picture(self, encoded: bytes, where: str, box: np.ndarray | None = None) -> list[Sighting]:
        """Who is in a PNG or JPEG, the largest first.

        Args:
            encoded: the file's bytes.
            where: what to call the picture in an error.
            box: left, top, right and bottom in pixels: look for one person there. None: everywhere.

        Raises:
            EngineError: it cannot be decoded, or the detector failed.
            Cancelled: ``cancel`` was called.
        """
        wanted = None if box is None else [float(side) for side in box]
        (answer,) = self._ask("picture", encoded, where, wanted, "people", 1)
        people = answer.get("people")
        if not isinstance(people, list) or len(people) > _MOST_PEOPLE:
            raise _nonsense()
        return [_sighting(said) for said in people]

    def video(self, encoded: bytes, where: str) -> Footage:
        """Who is in each frame of a video. Arguments and errors as of ``picture``."""
        first, *answers = self._ask("video", encoded, where, None, "end", MOST_FRAMES + 2)
        try:
            width, height = (int(side) for side in first["size"])
            rate = float(first["rate"])
            frames = [
                {int(name): _sighting(said) for name, said in answer["people"].items()}
                for answer in answers[:-1]
            ]
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise _nonsense() from error
        if min(width, height) < 1 or not 0 < rate < 1e4:
            raise _nonsense()
        return Footage((width, height), rate, frames)

    def cancel(self) -> None:
        """End the process; whoever waits for it gets ``Cancelled``."""
        self._cancelled.set()
        if self._process is not None:
            self._process.kill()

    def _ask(
        self, kind: str, encoded: bytes, where: str, box: list[float] | None, last: str, most: int
    ) -> list[dict[str, Any]]:
        """All answers but progress, up to the one with the key ``last``; ``most`` of them are accepted."""
        if len(encoded) > LARGEST_FILE:
            remedy = "Cut it shorter, or save it smaller."
            raise EngineError(f"the file is larger than {LARGEST_FILE >> 30} GiB", where=where, remedy=remedy)
        self._process = process = self._started()
        try:
            if self._cancelled.is_set():
                raise Cancelled
            request = json.dumps({"kind": kind, "where": where, "bytes": len(encoded), "box": box}).encode()
            # Sent by a thread of its own: if the process wrote before it had read everything, it would wait
            # for us to read, and we for it, for ever.
            parts = (process, request + b"\n", encoded)
            threading.Thread(target=_send, args=parts, name="isa-detect", daemon=True).start()
            answers: list[dict[str, Any]] = []
            while not answers or last not in answers[-1]:
                answer = self._answer(process)
                if "done" in answer:
                    self._tell(answer)
                elif len(answers) >= most:
                    raise _nonsense()
                else:
                    answers.append(answer)
            return answers
        finally:
            process.kill()
            process.stdout.close()
            process.wait()

    def _started(self) -> subprocess.Popen:
        # Without Blender's Python paths, which would load its modules, and without our tokens.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "ISA_ENGINE_"))
        }
        no_window = {"creationflags": 0x8000000} if sys.platform == "win32" else {"start_new_session": True}
        try:
            return subprocess.Popen(
                [self._python, *_COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                **no_window,
            )
        except OSError as error:
            remedy = "Run install/detector.sh again."
            problem = f"the detector cannot be started: {error.strerror}"
            raise EngineError(problem, where=self._python, remedy=remedy) from error

    def _answer(self, process: subprocess.Popen) -> dict[str, Any]:
        line = process.stdout.readline(_LONGEST_LINE)
        if self._cancelled.is_set():
            raise Cancelled
        if not line.endswith(b"\n"):
            remedy = "Try a smaller file, or mark the joints by hand."
            raise EngineError("the detector ended without an answer", remedy=remedy)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _nonsense() from error
        if not isinstance(answer, dict):
            raise _nonsense()
        if "error" in answer:
            try:
                told = EngineError.of_parts(answer["error"])
            except (TypeError, KeyError) as error:
                raise _nonsense() from error
            raise told
        return answer

    def _tell(self, answer: dict[str, Any]) -> None:
        done, of = answer.get("done"), answer.get("of")
        if isinstance(done, int) and isinstance(of, int):
            self._report(done, of)


def _send(process: subprocess.Popen, *parts: bytes) -> None:
    # If the process has ended, the pipe is broken. That is not reported here: its output tells why.
    with contextlib.suppress(OSError), process.stdin as pipe:
        for part in parts:
            pipe.write(part)


def _sighting(said: Any) -> Sighting:
    try:
        return understood(said)
    except BodyError as error:
        raise _nonsense() from error


def _nonsense() -> EngineError:
    return EngineError("the detector gave no sensible answer", remedy="Run install/detector.sh again.")
