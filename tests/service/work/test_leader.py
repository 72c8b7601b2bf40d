"""A node that works for a job and hangs is given up and ended, and the job goes on elsewhere. Ray is played;
``test_cluster.py`` has the real one.
"""

import importlib
import sys
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from isa_engine.errors import Cancelled, EngineError
from isa_engine.service.work import remote

WORK = "isa_engine.service.work"
# Seconds after which a task counts as hanging.
SILENT = 120
ENDS = {"latents": "latents", "record": "record"}
HANGS = 10**6
PIECE = {"phase": "decode", "step": 1, "steps": 2, "preview": None}


def checkpoint(step: int) -> dict:
    return {"checkpoint": f"after {step}".encode(), "step": step}


def frames(*numbers: int) -> dict:
    """What a decoder says at last: frames of one pixel each."""
    plate = np.array(numbers)
    return {"plate": plate, "matte": plate + 100}


class Stream:
    """What a task says."""

    def __init__(self, messages: list):
        self.messages = messages

    @property
    def speaks(self) -> bool:
        return not self.messages or not isinstance(self.messages[0], int)

    def __next__(self):
        if not self.messages:
            raise StopIteration
        return self.messages.pop(0)


class Played:
    """Stands for ``ray``.

    Args:
        leaders: what each task that denoises says, one after the other; a number stands for so many seconds
            in which it says nothing.
        decoders: likewise, of those that decode.

    Attributes:
        seconds: that have gone by.
        given: to each task that was begun.
        killed: node and process of each that was.
        cancelled: how many tasks.
    """

    def __init__(self, *leaders: list, decoders: tuple[list, ...] = ()):
        self.says = {"denoise": [*leaders], "decode": [*decoders]}
        self.seconds, self.given, self.killed, self.cancelled = 0.0, [], [], 0

    def remote(self, function):
        def options(scheduling_strategy=None, **_):
            def start(*given):
                if function.__name__ == "_kill":
                    self.killed.append((scheduling_strategy, *given))
                    return None
                work, *given = given
                self.given.append(given)
                return Stream(self.says[work.__name__].pop(0))

            return SimpleNamespace(remote=start)

        return SimpleNamespace(options=options)

    def wait(self, streams, timeout=None):
        speaking = [stream for stream in streams if stream.speaks]
        if not speaking and timeout:
            self.seconds += timeout
            for stream in streams:
                stream.messages[0] -= timeout
                if stream.messages[0] <= 0:
                    del stream.messages[0]
        return speaking[:1], []

    def get(self, message):
        return message

    def cancel(self, stream):
        self.cancelled += 1


@pytest.fixture
def on(monkeypatch):
    """The module of the cluster, where that is played."""

    def imported(played: Played):
        names = ("RayError", "GetTimeoutError", "RayActorError", "RayTaskError")
        played_modules = {
            "ray": {
                "remote": played.remote,
                "wait": played.wait,
                "get": played.get,
                "cancel": played.cancel,
                "put": lambda value: value,
                "method": lambda **_: lambda function: function,
                "ObjectRef": object,
            },
            "ray.actor": {"ActorHandle": object},
            "ray.exceptions": {name: type(name, (Exception,), {}) for name in names},
            "ray.util": {},
            "ray.util.scheduling_strategies": {"NodeAffinitySchedulingStrategy": lambda node, soft: node},
        }
        for name, content in played_modules.items():
            module = ModuleType(name)
            module.__dict__.update(content)
            monkeypatch.setitem(sys.modules, name, module)
        # They find Ray where they are imported; afterwards they are as if they never had been.
        rooms = {"nodes": "isa_engine.pipeline.spread", "watched": WORK, "cluster": WORK}
        for module, room in rooms.items():
            monkeypatch.delitem(sys.modules, f"{room}.{module}", raising=False)
            monkeypatch.setattr(importlib.import_module(room), module, None, raising=False)
        try:
            cluster = importlib.import_module(f"{WORK}.cluster")
            monkeypatch.setattr(sys.modules[f"{WORK}.watched"].time, "monotonic", lambda: played.seconds)
        finally:
            for module, room in rooms.items():
                sys.modules.pop(f"{room}.{module}", None)
        return cluster

    return imported


@pytest.fixture
def denoised(on, tmp_path):
    """``Cluster._denoised`` of a job, on a cluster that is played."""

    def of(played: Played):
        steps, heard = [], []
        job = SimpleNamespace(path=tmp_path / "checkpoint", saved=steps.append)
        found = on(played).Cluster(gpus=1)._denoised(b"shot", heard.append, job, made=None)
        return found, steps, heard

    return of


@pytest.fixture
def decoded(on):
    """``Cluster._decoded`` of two spans, on a cluster that is played: frames of the plate, those of the
    matte, and what was reported."""

    def of(played: Played):
        heard = []
        streams = on(played).Cluster(gpus=1)._decoded((), [(0, 16), (16, 20)], heard.append)
        return *([int(frame) for frame in stream] for stream in streams), heard

    return of


def test_a_leader_that_hangs_is_given_up_and_the_job_goes_on_from_its_last_step(denoised):
    step = {"phase": "denoise", "step": 3, "steps": 9, "preview": None}
    played = Played(
        [{"place": ("a", 41)}, {"alive": True}, checkpoint(3), step, HANGS],
        [{"place": ("b", 42)}, checkpoint(4), ENDS],
    )
    found, steps, [heard] = denoised(played)
    assert found == ("latents", "record")
    assert steps == [3, 4]
    assert (heard.phase, heard.step, heard.steps) == ("denoise", 3, 9)
    assert [kept for _, kept, *_ in played.given] == [None, b"after 3"]
    assert SILENT < played.seconds < SILENT + 5
    assert played.killed == [("a", 41)]


def test_a_job_over_which_leaders_only_ever_hang_is_given_up(denoised):
    played = Played(*([{"place": (str(number), number)}, HANGS] for number in range(9)))
    with pytest.raises(EngineError, match="nodes went away"):
        denoised(played)
    assert played.killed == [("0", 0), ("1", 1), ("2", 2)]


def test_a_task_that_waits_for_a_node_is_not_given_up(denoised):
    played = Played([10 * SILENT, {"place": ("a", 41)}, ENDS])
    denoised(played)
    assert played.seconds == 10 * SILENT
    assert played.killed == []


def test_a_task_that_lives_and_works_long_is_not_given_up(denoised):
    played = Played([{"place": ("a", 41)}, *[SILENT - 1, {"alive": True}] * 9, ENDS])
    denoised(played)
    assert played.killed == []


def test_a_decoder_that_hangs_is_given_up_and_its_span_alone_is_decoded_elsewhere(decoded):
    played = Played(
        decoders=(
            [{"place": ("a", 41)}, PIECE, HANGS],
            [{"place": ("b", 42)}, PIECE, frames(16, 17)],
            [{"place": ("b", 43)}, PIECE, frames(0, 1)],
        )
    )
    plate, matte, heard = decoded(played)
    assert plate == [0, 1, 16, 17]
    assert matte == [100, 101, 116, 117]
    assert played.given == [[(0, 16)], [(16, 20)], [(0, 16)]]
    assert played.killed == [("a", 41)]
    assert SILENT < played.seconds < SILENT + 5
    steps = [progress.step for progress in heard]
    assert steps == sorted(steps)
    assert steps[-1] == 2


def test_a_decoder_whose_node_is_lost_is_begun_again(decoded):
    class Loses(Played):
        def get(self, message):
            if message == "gone":
                raise sys.modules["ray.exceptions"].RayError
            return message

    played = Loses(decoders=([{"place": ("a", 41)}, "gone"], [{"place": ("b", 42)}, frames(16)], [frames(0)]))
    plate, *_ = decoded(played)
    assert plate == [0, 16]
    assert played.killed == []


def test_a_span_over_which_decoders_only_ever_hang_is_given_up(decoded):
    hang = [[{"place": (str(number), number)}, HANGS] for number in range(9)]
    played = Played(decoders=([{"place": ("b", 42)}, frames(0)], *hang))
    with pytest.raises(EngineError, match="nodes went away"):
        decoded(played)
    assert played.killed == [("0", 0), ("1", 1), ("2", 2)]


def test_decoders_that_live_and_get_no_further_are_not_taken_for_progress(decoded):
    """As of a GPU that hangs under a living process: the supervisor ends a worker that reports nothing."""
    alive = [{"place": ("a", 41)}, PIECE, *[5, {"alive": True}] * 100, frames(0)]
    played = Played(decoders=(alive, [{"place": ("b", 42)}, frames(16)]))
    *_, heard = decoded(played)
    assert played.seconds >= 500
    assert len(heard) < 6


def test_decoders_that_all_wait_for_a_node_are_not_taken_for_hanging(decoded):
    waiting = [[600, {"place": ("a", 41)}, frames(first)] for first in (0, 16)]
    *_, heard = decoded(Played(decoders=tuple(waiting)))
    assert len(heard) > 500


def test_a_job_that_is_cancelled_cancels_what_is_still_decoded(on):
    played = Played(decoders=([{"place": ("a", 41)}, PIECE, HANGS], [HANGS]))

    def report(progress):
        if played.given:
            raise Cancelled

    with pytest.raises(Cancelled):
        on(played).Cluster(gpus=1)._decoded((), [(0, 16), (16, 20)], report)
    assert played.cancelled == 2


def test_who_denoises_says_that_it_lives_while_it_has_nothing_else_to_say(monkeypatch):
    def slowly(encoded, kept, made, companions, path, say, report):
        time.sleep(0.5)
        say(ENDS)

    monkeypatch.setattr(remote, "_denoise", slowly)
    monkeypatch.setattr(remote, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(remote, "_POLL_SECONDS", 0.01)
    *beats, last = remote.denoise(b"shot", None, None, remote.nobody)
    assert last == ENDS
    assert beats
    assert all(beat == {"alive": True} for beat in beats)
