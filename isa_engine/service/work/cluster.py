"""A worker whose jobs run on a Ray cluster, and every span of a take on whichever node is free.

usage: python -m isa_engine.service.work.cluster --ray ADDRESS --ray-gpus N --device NAME+NAME…, and the
options of ``service.work.worker``; a take is shared by as many nodes as there are names

The queue stays the truth: this process claims jobs as any worker does, on a machine that is a node of the
cluster itself. Latents come back to it after each step, and go to another node where one is lost, so that the
job goes on from its last step, to the same bytes on the same kind of device. Nodes need the engine and the
models' weights, and no disk in common. Ray pickles what it sends: its nodes trust each other.
"""

import argparse
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import ray
from PIL import Image
from ray.exceptions import GetTimeoutError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from isa_engine.errors import EngineError, ModelError
from isa_engine.geometry.frames import decoding_spans
from isa_engine.models import describe
from isa_engine.pipeline.generation import results_in, write_results
from isa_engine.pipeline.matte import projected_matte
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.pipeline.spread.nodes import Silent, companions
from isa_engine.results.record import GENERATED
from isa_engine.service.queue.claims import MAX_STALLS
from isa_engine.service.work import remote, worker
from isa_engine.shot import Shot
from isa_engine.whole_file import whole_file

# Latent frames of a span that is decoded as one task: small, so that all GPUs of many have work.
SPAN_LATENTS = 16
_POLL_SECONDS = 1
# A node that denoises is given up where it has not said for so long that it lives. While it loads its
# libraries from a slow disk it cannot say so.
SILENT_SECONDS = 120
_GONE = "the cluster's nodes went away while this job got no further"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RemoteModel:
    """Stands for a model that nodes load when they need it.

    Args:
        nodes: that share a take of it.

    Raises:
        ModelError: takes of the model cannot be shared.
    """

    name: str
    nodes: int = 1
    device: str = "ray"

    def __post_init__(self):
        if self.nodes > 1 and not describe(self.name).shared:
            remedy = "Serve it with devices that are not joined by +."
            raise ModelError(f"nodes cannot share a take of '{self.name}'", remedy=remedy)


class Cluster:
    """Nodes that generate.

    Args:
        gpus: that a task takes; 0: it takes a CPU.
        nodes: that share the steps of a take.
    """

    def __init__(self, gpus: float, nodes: int = 1):
        self.nodes, self.place = nodes, {"num_cpus": 1, "num_gpus": gpus}
        self.denoise = ray.remote(_denoise).options(**self.place, num_returns="streaming", max_retries=0)
        # Ray itself has the span of a node that is lost decoded on another.
        self.decode = ray.remote(remote.decode).options(**self.place, max_retries=MAX_STALLS)

    def generate(
        self, shot: Shot, model: RemoteModel, out: Path, report: Report, *, checkpoint: Any, made: float
    ) -> None:
        """As ``pipeline.generate``, elsewhere."""
        encoded = checkpoint.shot_file.read_bytes()
        latents, record = self._denoised(encoded, report, checkpoint, made)
        with results_in(out) as parts:
            parts.shot.write_bytes(encoded)
            put = ray.put(encoded), ray.put(latents)
            spans = [
                self.decode.remote(*put, span, record["model"]["weights"])
                for span in decoding_spans(shot.segments, SPAN_LATENTS)
            ]
            try:
                decoded = _gathered(spans, report)
            finally:
                for span in spans:
                    ray.cancel(span)
            plate = (frame for frames, _ in decoded for frame in frames)
            if record["matte"] == GENERATED:
                matte = (frame for _, frames in decoded for frame in frames)
            else:
                matte = projected_matte(shot, (shot.settings.width, shot.settings.height))
            write_results(parts, shot, record, latents[0], plate, matte, report)

    def _denoised(
        self, encoded: bytes, report: Report, checkpoint: Any, made: float
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """The latents and the record, from whichever node brings them to their end."""
        stalls, reached, nodes, place = 0, 0, self.nodes, None
        while True:
            kept = checkpoint.path.read_bytes() if checkpoint.path.is_file() else None
            stream = self.denoise.remote(encoded, kept, made, self._companions(nodes - 1))
            try:
                for message in _said(stream):
                    if "place" in message:
                        place = message["place"]
                    elif "checkpoint" in message:
                        stalls, reached = 0, message["step"]
                        with whole_file(checkpoint.path) as partial:
                            partial.write_bytes(message["checkpoint"])
                        checkpoint.saved(reached)
                    elif "line" in message:
                        log.log(message["level"], "%s", message["line"])
                    elif "latents" in message:
                        return message["latents"], message["record"]
                    elif "phase" in message:
                        report(_progress(message))
            except RayTaskError as error:
                raise error.cause from error
            except (RayError, Silent) as error:
                stalls += 1
                log.warning("a node was lost after step %d: %s", reached, type(error).__name__)
                if isinstance(error, Silent):
                    _end(*place)
                # Who leads from now on was with those that share it, and would wait for one that is gone.
                nodes = max(1, nodes - 1)
                if stalls >= MAX_STALLS:
                    raise EngineError(_GONE, remedy="Look at their logs before trying again.") from error
            finally:
                ray.cancel(stream)

    def _companions(self, count: int) -> remote.Companions:
        return partial(companions, count=count, place=self.place) if count else remote.nobody


def _denoise(*job: Any) -> Iterator[dict[str, Any]]:
    """``remote.denoise`` as a task, which first says where it runs: ``{"place": (node, process)}``."""
    yield {"place": (ray.get_runtime_context().get_node_id(), os.getpid())}
    yield from remote.denoise(*job)


def _said(stream: Any) -> Iterator[dict[str, Any]]:
    """What a task says, as it comes; until it says where it runs it waits for a node.

    Raises:
        Silent: it hangs.
        RayError: its node is lost, or the job failed on it.
    """
    patience = None
    while ray.wait([stream], timeout=patience)[0]:
        try:
            reference = next(stream)
        except StopIteration:
            return
        yield ray.get(reference)
        patience = SILENT_SECONDS
    raise Silent


def _end(node: str, process: int) -> None:
    """End a process that does not answer Ray any more, on whichever node it is. What it had of the node, and
    the nodes that shared its take, are free again then."""
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    ray.remote(_kill).options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(process)


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def _gathered(spans: list, report: Report) -> list:
    decoded = []
    for span in spans:
        report(Progress("decode", len(decoded), len(spans)))
        while True:
            try:
                decoded.append(ray.get(span, timeout=_POLL_SECONDS))
                break
            except GetTimeoutError:
                report(Progress("decode", len(decoded), len(spans)))
            except RayTaskError as error:
                raise error.cause from error
            except RayError as error:
                raise EngineError(_GONE, remedy="Look at their logs before trying again.") from error
    report(Progress("decode", len(spans), len(spans)))
    return decoded


def _progress(message: dict[str, Any]) -> Progress:
    preview = message["preview"]
    picture = None if preview is None else Image.open(BytesIO(preview))
    return Progress(message["phase"], message["step"], message["steps"], picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ray", required=True)
    parser.add_argument("--ray-gpus", type=float, required=True)
    parser.add_argument("--device", default="")
    own, others = parser.parse_known_args()
    nodes = len(own.device.split("+"))
    ray.init(own.ray, log_to_driver=False)
    worker.main(partial(RemoteModel, nodes=nodes), Cluster(own.ray_gpus, nodes).generate, others)


if __name__ == "__main__":
    main()
