"""A node that leads a job and hangs is given up and ended, and the job goes on elsewhere. Ray is played here;
``test_cluster.py`` has the real one.
"""

import importlib
import sys
import time
from types import ModuleType, SimpleNamespace

import pytest

from isa_engine.errors import EngineError
from isa_engine.service.work import remote

ENDS = {"latents": "latents", "record": "record"}
HANGS = object()


def checkpoint(step: int) -> dict:
    return {"checkpoint": f"after {step}".encode(), "step": step}


class Stream:
    """What a task says."""

    def __init__(self, messages: list):
        self.messages = messages

    def __next__(self):
        return self.messages.pop(0)


class Played:
    """Stands for ``ray``.

    Args:
        leaders: what each task that denoises says, one after the other.

    Attributes:
        waited: seconds, each time that nobody said anything.
        led: the checkpoint that each leader was given.
        killed: node and process of each that was.
    """

    def __init__(self, *leaders: list):
        self.leaders, self.waited, self.led, self.killed = list(leaders), [], [], []

    def remote(self, function):
        def options(scheduling_strategy=None, **_):
            def start(*given):
                if function.__name__ == "_kill":
                    self.killed.append((scheduling_strategy, *given))
                    return None
                self.led.append(given[1])
                return Stream(self.leaders.pop(0))

            return SimpleNamespace(remote=start)

        return SimpleNamespace(options=options)

    def wait(self, streams, timeout=None):
        if streams[0].messages[0] is not HANGS:
            return streams, []
        self.waited.append(timeout)
        return [], streams


@pytest.fixture
def denoised(monkeypatch, tmp_path):
    """``Cluster._denoised`` of a job, on a cluster that is played."""

    def on(played: Played):
        names = ("RayError", "GetTimeoutError", "RayActorError", "RayTaskError")
        played_modules = {
            "ray": {
                "remote": played.remote,
                "wait": played.wait,
                "get": lambda message: message,
                "cancel": lambda stream: None,
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
        for room, module in (("isa_engine.pipeline.spread", "nodes"), ("isa_engine.service.work", "cluster")):
            monkeypatch.delitem(sys.modules, f"{room}.{module}", raising=False)
            monkeypatch.setattr(importlib.import_module(room), module, None, raising=False)
        cluster = importlib.import_module("isa_engine.service.work.cluster")
        path, steps, heard = tmp_path / "checkpoint", [], []
        job = SimpleNamespace(path=path, saved=steps.append)
        try:
            found = cluster.Cluster(gpus=1)._denoised(b"shot", heard.append, job, made=None)
        finally:
            for name in ("isa_engine.pipeline.spread.nodes", "isa_engine.service.work.cluster"):
                sys.modules.pop(name)
        return found, steps, heard, cluster

    return on


def test_a_leader_that_hangs_is_given_up_and_the_job_goes_on_from_its_last_step(denoised):
    step = {"phase": "denoise", "step": 3, "steps": 9, "preview": None}
    played = Played(
        [{"place": ("a", 41)}, {"alive": True}, checkpoint(3), step, HANGS],
        [{"place": ("b", 42)}, checkpoint(4), ENDS],
    )
    found, steps, [heard], cluster = denoised(played)
    assert found == ("latents", "record")
    assert steps == [3, 4]
    assert (heard.phase, heard.step, heard.steps) == ("denoise", 3, 9)
    assert played.led == [None, b"after 3"]
    assert played.waited == [cluster.SILENT_SECONDS]
    assert played.killed == [("a", 41)]


def test_a_job_over_which_leaders_only_ever_hang_is_given_up(denoised):
    played = Played(*([{"place": (str(number), number)}, HANGS] for number in range(9)))
    with pytest.raises(EngineError, match="nodes went away"):
        denoised(played)
    assert played.killed == [("0", 0), ("1", 1), ("2", 2)]


def test_a_task_that_waits_for_a_node_is_not_given_up(denoised):
    class Waits(Played):
        def wait(self, streams, timeout=None):
            self.waited.append(timeout)
            return streams, []

    played = Waits([{"place": ("a", 41)}, ENDS])
    _, _, _, cluster = denoised(played)
    assert played.waited == [None, cluster.SILENT_SECONDS]
    assert played.killed == []


def test_who_denoises_says_that_it_lives_while_it_has_nothing_else_to_say(monkeypatch):
    def slowly(encoded, kept, made, companions, path, say, stopped):
        time.sleep(0.5)
        say(ENDS)

    monkeypatch.setattr(remote, "_denoise", slowly)
    monkeypatch.setattr(remote, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(remote, "_POLL_SECONDS", 0.01)
    *beats, last = remote.denoise(b"shot", None, None, remote.nobody)
    assert last == ENDS
    assert beats
    assert all(beat == {"alive": True} for beat in beats)
