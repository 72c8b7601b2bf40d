"""The HTTP application. Every answer that is not a file is JSON; every refusal is a ``protocol.Refusal``."""

import shutil
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

import isa_engine
from isa_engine.client.identity import CHALLENGE, proof
from isa_engine.client.protocol import PREFIX, Health, ModelInfo, Refusal, WorkerStatus
from isa_engine.models import describe, names
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.access import Needs, TokenDoor
from isa_engine.service.http.bodies import SmallBodies
from isa_engine.service.http.dashboard import dashboard_routes
from isa_engine.service.http.feed import Feed
from isa_engine.service.http.house_routes import house_routes
from isa_engine.service.http.job_routes import job_routes
from isa_engine.service.http.metrics import MEDIA_TYPE, Measured, Metrics
from isa_engine.service.http.refusals import OneForm, apologise, refuse, refuse_fields, refuse_write
from isa_engine.service.http.tokens import Tokens
from isa_engine.service.operation import waiting
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.queue.store import JobStore, ask


class Readiness(BaseModel):
    """Whether jobs are worked on; ``reasons`` why not."""

    ready: bool
    reasons: list[str]


def create_app(
    store: JobStore,
    folders: Folders,
    token: str | None,
    config: ServiceConfig | None = None,
    conditions: Conditions | None = None,
    identity: str = "",
) -> FastAPI:
    """The HTTP application over a store and its folders.

    Args:
        token: with all scopes, beside those that are stored; None: those alone.
        conditions: what the service finds wrong while it runs.
        identity: the secret by which whoever started the service knows it again.
    """
    config, conditions = config or ServiceConfig(), conditions or Conditions()
    tokens = Tokens(store, token)
    feed = Feed(store, tokens)
    metrics = Metrics(store, feed, folders.root)
    refusals = {status: {"model": Refusal} for status in ("4XX", 422, "5XX")}
    routes = APIRouter(prefix=PREFIX, responses=refusals)

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

    routes.include_router(house_routes(store))
    routes.include_router(job_routes(store, folders, feed, config, conditions))
    app = FastAPI(
        title="ISA engine",
        version=isa_engine.__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A path with a slash too many is 404: no answer of this service is a redirection.
        redirect_slashes=False,
        middleware=[
            Middleware(OneForm),
            Middleware(Measured, metrics=metrics),
            Middleware(TokenDoor, tokens=tokens),
            Middleware(SmallBodies),
        ],
        exception_handlers={
            HTTPException: refuse,
            RequestValidationError: refuse_fields,
            OSError: refuse_write,
            Exception: apologise,
        },
    )
    app.include_router(routes)
    app.include_router(dashboard_routes())
    app.state.feed, app.state.conditions = feed, conditions
    return app


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
