"""The routes. Every answer that is not a file is JSON; every refusal is ``{"error": sentence}``."""

import errno
import logging
import secrets
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

import isa_engine
from isa_engine.configuration import MODELS, weights_folder
from isa_engine.protocol import PREFIX, RESULTS, Health, JobStatus, ModelInfo
from isa_engine.service.access import TokenDoor
from isa_engine.service.folders import Folders
from isa_engine.service.store import JobStore
from isa_engine.service.upload import Uploads

UPLOAD_LIMIT = 512 * 2**20

log = logging.getLogger(__name__)


class Submitted(BaseModel):
    """The answer to a submitted shot."""

    id: str


def create_app(store: JobStore, folders: Folders, token: str, upload_limit: int = UPLOAD_LIMIT) -> FastAPI:
    """The HTTP application over a store and its folders.

    Args:
        token: what every request must show.
        upload_limit: bytes of the largest shot file that is taken.
    """
    routes = APIRouter(prefix=PREFIX)
    uploads = Uploads(folders.uploads, upload_limit)

    @routes.get("/health")
    def health() -> Health:
        """The engine's version, its worker's state and the models it knows."""
        worker, device = store.worker()
        models = tuple(model_info(name) for name in MODELS)
        return Health(isa_engine.__version__, worker, device, upload_limit, models)

    @routes.post("/jobs", status_code=201)
    async def submit(request: Request) -> Submitted:
        """Queue the shot file that is the request's body."""
        job = secrets.token_hex(16)
        uploaded = await uploads.receive(request, job)
        shot = folders.shot(job)
        shot.parent.mkdir(mode=0o700)
        uploaded.replace(shot)
        store.add(job)
        return Submitted(id=job)

    @routes.get("/jobs/{job}")
    def status(job: str) -> JobStatus:
        """How far a job is."""
        return known(job)

    @routes.post("/jobs/{job}/cancel")
    def cancel(job: str) -> JobStatus:
        """End a job, a running one after its current step; one that is over stays as it is."""
        known(job)
        store.cancel(job)
        return known(job)

    @routes.get("/jobs/{job}/results/{name}", response_class=FileResponse)
    def result(job: str, name: str) -> FileResponse:
        """One of the files that a finished job holds."""
        state = known(job).state
        if name not in RESULTS:
            raise HTTPException(404, f"There is no such result. A job has {', '.join(RESULTS)}.")
        if state != "done":
            raise HTTPException(409, f"The job is {state}, so it has no results.")
        return file(folders.results(job, store.attempt(job)) / name, RESULTS[name])

    @routes.get("/jobs/{job}/preview", response_class=FileResponse)
    def preview(job: str) -> FileResponse:
        """The newest preview picture of a job."""
        known(job)
        return file(folders.preview(job), "image/png")

    def known(job: str) -> JobStatus:
        found = store.status(job)
        if found is None:
            raise HTTPException(404, "This engine has no such job.")
        return found

    app = FastAPI(
        title="ISA engine",
        version=isa_engine.__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(TokenDoor, token=token)],
        exception_handlers={
            HTTPException: refuse,
            RequestValidationError: refuse_fields,
            OSError: refuse_write,
            Exception: apologise,
        },
    )
    app.include_router(routes)
    return app


def model_info(name: str) -> ModelInfo:
    config = MODELS[name]()
    return ModelInfo(
        name, weights_folder(name) is not None, config.short_side, config.multiple, config.max_frames
    )


def file(path: Path, media_type: str) -> FileResponse:
    if not path.is_file():
        raise HTTPException(404, "There is no such picture or file yet.")
    return FileResponse(path, media_type=media_type)


async def refuse(request: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def refuse_fields(request: Request, error: RequestValidationError) -> JSONResponse:
    fields = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return JSONResponse({"error": f"The request does not make sense: {fields}."}, 422)


async def refuse_write(request: Request, error: OSError) -> JSONResponse:
    log.error("%s %s: %s", request.method, request.url.path, error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        sentence = "The engine's disk is full. Free some space in its data folder."
        return JSONResponse({"error": sentence}, 507)
    return JSONResponse({"error": f"The engine cannot use its data folder: {error.strerror}."}, 500)


async def apologise(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": "The engine made a mistake. Its log says more."}, 500)
