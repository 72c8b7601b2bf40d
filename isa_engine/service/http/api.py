"""The HTTP application. Every answer that is not a file is JSON; every refusal is a ``protocol.Refusal``."""

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

import isa_engine
from isa_engine.client.protocol import PREFIX, Refusal
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.access import TokenDoor
from isa_engine.service.http.bodies import SmallBodies
from isa_engine.service.http.dashboard import dashboard_routes
from isa_engine.service.http.engine_routes import engine_routes
from isa_engine.service.http.feed import Feed
from isa_engine.service.http.house_routes import house_routes
from isa_engine.service.http.job_routes import job_routes
from isa_engine.service.http.metrics import Measured, Metrics
from isa_engine.service.http.refusals import OneForm, apologise, refuse, refuse_fields, refuse_write
from isa_engine.service.http.tokens import Tokens
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.queue.store import JobStore


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
    routes.include_router(engine_routes(store, folders, metrics, config, conditions, identity))
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
