"""The routes of the engine itself: whether it is well, what it knows, what it measures."""

import shutil
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

import isa_engine
from isa_engine.client.identity import CHALLENGE, proof
from isa_engine.client.protocol import Health, ModelInfo, WorkerStatus
from isa_engine.models import describe, names
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.access import Needs
from isa_engine.service.http.metrics import MEDIA_TYPE, Metrics
from isa_engine.service.operation import waiting
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.queue.store import JobStore, ask


class Readiness(BaseModel):
    """Whether jobs are worked on; ``reasons`` why not."""

    ready: bool
    reasons: list[str]


def engine_routes(
    store: JobStore,
    folders: Folders,
    metrics: Metrics,
    config: ServiceConfig,
    conditions: Conditions,
    identity: str,
) -> APIRouter:
    """``/health``, ``/identity``, ``/models``, ``/ready`` and ``/metrics``; see ``api.create_app``."""
    routes = APIRouter()

    @routes.get("/health")
    async def health() -> Health:
        """The engine's version, its worker's state and the models it knows."""
        workers = await ask(store, store.workers)
        devices = ",".join(each.device for each in workers if each.device)
        memories = [each.memory for each in workers if each.memory]
        memory = min(memories, key=lambda memory: memory.total, default=None)
        return Health(
            isa_engine.__version__,
            furthest(workers),
            devices,
            memory,
            config.upload_limit,
            models(),
            " ".join(await ask(store, waiting.reasons, store, conditions)),
        )

    # Open to all: a client asks it before it sends its token, lest another program on this port gets that.
    # Not in the document, for it is of use to our own client alone.
    @routes.get("/identity", include_in_schema=False)
    async def show_identity(challenge: Annotated[str, Query(pattern=f"^{CHALLENGE}$")]) -> dict[str, str]:
        return {"proof": proof(identity, challenge)}

    @routes.get("/models")
    def list_models() -> list[ModelInfo]:
        """The models that the engine knows."""
        return list(models())

    @routes.get("/ready", responses={503: {"model": Readiness}})
    def ready(response: Response) -> Readiness:
        """200 where a job that came now would be worked on, else 503 with the reasons."""
        reasons = conditions.sentences()
        try:
            reasons += [each for each in waiting.reasons(store, conditions) if each not in reasons]
        except OSError as error:
            reasons = reasons or [f"The engine's queue cannot be read: {error.strerror}."]
        try:
            if shutil.disk_usage(folders.root).free < config.free_gib * 2**30:
                reasons.append(f"Less than {config.free_gib:g} GiB are free on the disk. Free some space.")
        except OSError as error:
            reasons.append(f"The engine's data folder cannot be used: {error.strerror}.")
        response.status_code = 503 if reasons else 200
        return Readiness(ready=not reasons, reasons=reasons)

    @routes.get("/metrics", response_class=Response, dependencies=[Depends(Needs("metrics"))])
    def show_metrics() -> Response:
        """Numbers for Prometheus."""
        return Response(metrics.text(), media_type=MEDIA_TYPE)

    return routes


def furthest(workers: list[WorkerStatus]) -> str:
    """The state of the workers, as ``protocol.Health`` has it."""
    states = {worker.state for worker in workers}
    return next((state for state in ("ready", "starting") if state in states), "stopped")


def models() -> tuple[ModelInfo, ...]:
    return tuple(model_info(name) for name in names())


def model_info(name: str) -> ModelInfo:
    model = describe(name)
    stands = model.kind, model.state, model.licence
    return ModelInfo(name, *stands, model.short_side, model.multiple, model.max_frames, model.facts())
