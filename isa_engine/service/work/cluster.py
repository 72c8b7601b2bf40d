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
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import ray
from PIL import Image
from ray.exceptions import RayError, RayTaskError

from isa_engine.errors import EngineError, ModelError
from isa_engine.geometry.frames import decoding_spans
from isa_engine.models import describe
from isa_engine.pipeline.generation import results_in, write_results
from isa_engine.pipeline.matte import projected_matte
from isa_engine.pipeline.painter import Span
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.pipeline.spread.nodes import Silent, companions
from isa_engine.results.record import GENERATED
from isa_engine.service.queue.claims import MAX_STALLS
from isa_engine.service.work import remote, worker
from isa_engine.service.work.watched import Task
from isa_engine.shot import Shot
from isa_engine.whole_file import whole_file

# Latent frames of a span that is decoded as one task: small, so that all GPUs of many have work.
SPAN_LATENTS = 16
_POLL_SECONDS = 1
_GONE = "the cluster's nodes went away while this job got no further"
_LOOK = "Look at their logs before trying again."

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

    def generate(
        self, shot: Shot, model: RemoteModel, out: Path, report: Report, *, checkpoint: Any, made: float
    ) -> None:
        """As ``pipeline.generate``, elsewhere."""
        encoded = checkpoint.shot_file.read_bytes()
        latents, record = self._denoised(encoded, report, checkpoint, made)
        with results_in(out) as parts:
            parts.shot.write_bytes(encoded)
            given = ray.put(encoded), ray.put(latents), record["model"]["weights"]
            plate, matte = self._decoded(given, decoding_spans(shot.segments, SPAN_LATENTS), report)
            if record["matte"] != GENERATED:
                matte = projected_matte(shot, (shot.settings.width, shot.settings.height))
            write_results(parts, shot, record, latents[0], plate, matte, report)

    def _decoded(
        self, given: tuple[Any, ...], spans: list[Span], report: Report
    ) -> tuple[Iterator[np.ndarray], Iterator[np.ndarray]]:
        """The frames of a plate and of its matte, of spans that are decoded on whichever node is free; again
        on another one, where a node is lost or hangs."""
        running = {span: Task(self.place, remote.decode, *given, span) for span in spans}
        lost, plate, matte = dict.fromkeys(spans, 0), {}, {}
        try:
            report(Progress("decode", 0, len(spans)))
            while running:
                ray.wait([task.stream for task in running.values()], timeout=_POLL_SECONDS)
                goes_on = not any(task.place for task in running.values())
                for span, task in [*running.items()]:
                    try:
                        for message in task.said():
                            goes_on |= "alive" not in message
                            if "plate" in message:
                                plate[span] = _stored(message["plate"])
                                matte[span] = _stored(message["matte"])
                                del running[span]
                    except RayTaskError as error:
                        raise error.cause from error
                    except (RayError, Silent) as error:
                        lost[span] += 1
                        log.warning("a node that decoded was lost: %s", type(error).__name__)
                        if lost[span] >= MAX_STALLS:
                            raise EngineError(_GONE, remedy=_LOOK) from error
                        running[span] = Task(self.place, remote.decode, *given, span)
                if goes_on:
                    # Not told where all that run merely live: whoever watches this process sees it hang.
                    report(Progress("decode", len(plate), len(spans)))
        finally:
            for task in running.values():
                task.cancel()
        return _read([plate[span] for span in spans]), _read([matte[span] for span in spans])

    def _denoised(
        self, encoded: bytes, report: Report, checkpoint: Any, made: float
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """The latents and the record, from whichever node brings them to their end."""
        stalls, reached, nodes = 0, 0, self.nodes
        while True:
            kept = checkpoint.path.read_bytes() if checkpoint.path.is_file() else None
            task = Task(self.place, remote.denoise, encoded, kept, made, self._companions(nodes - 1))
            try:
                while True:
                    ray.wait([task.stream], timeout=_POLL_SECONDS)
                    for message in task.said():
                        if "checkpoint" in message:
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
                # Who leads from now on was with those that share it, and would wait for one that is gone.
                nodes = max(1, nodes - 1)
                if stalls >= MAX_STALLS:
                    raise EngineError(_GONE, remedy=_LOOK) from error
            finally:
                task.cancel()

    def _companions(self, count: int) -> remote.Companions:
        return partial(companions, count=count, place=self.place) if count else remote.nobody


def _stored(frames: np.ndarray | None) -> BinaryIO | None:
    """A span's frames in a file without a name: until its last ones are there, those of a long take would
    fill the memory."""
    if frames is None:
        return None
    file = tempfile.TemporaryFile()  # noqa: SIM115
    np.save(file, frames)
    return file


def _read(spans: Iterable[BinaryIO]) -> Iterator[np.ndarray]:
    for file in spans:
        file.seek(0)
        yield from np.load(file)


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
