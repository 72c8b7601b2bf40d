"""The routes of jobs. A job of another token is as if it did not exist."""

import asyncio
import logging
import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from isa_engine.client.protocol import (
    MAX_COMMENT,
    MAX_NAME,
    PRIORITIES,
    TRANSITIONS,
    JobStatus,
)
from isa_engine.client.words import LINE, LINES
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.access import Needs, caller, owner, the_callers
from isa_engine.service.http.feed import Feed
from isa_engine.service.http.order_routes import order_routes
from isa_engine.service.http.refusals import Refused
from isa_engine.service.http.result_routes import result_routes
from isa_engine.service.http.upload import Uploaded, Uploads
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.queue.store import Conflict, JobStore, OverQuota
from isa_engine.service.upkeep.queue_watch import QUEUE

log = logging.getLogger(__name__)

STREAMS, STREAMS_A_TOKEN = 2000, 1200
_PAGE = 200
_SHOT_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

Priority = Annotated[int, Query(ge=PRIORITIES[0], le=PRIORITIES[-1])]
Name = Annotated[str, Query(max_length=MAX_NAME, pattern=LINE)]
Comment = Annotated[str, Query(max_length=MAX_COMMENT, pattern=LINES)]
# Visible ASCII, as the header's draft standard has it; what a database column and a log can bear.
Key = Annotated[str | None, Header(alias="Idempotency-Key", pattern="^[!-~]{1,128}$")]


class Submitted(BaseModel):
    """The answer to a submitted shot."""

    id: str


class Page(BaseModel):
    """Some jobs, newest first; ``before`` asks for the next ones, None: these were the last."""

    jobs: list[JobStatus]
    before: str | None


def job_routes(
    store: JobStore,
    folders: Folders,
    feed: Feed,
    config: ServiceConfig,
    conditions: Conditions,
) -> APIRouter:
    """Everything under ``/jobs``."""
    routes = APIRouter(prefix="/jobs", dependencies=[Depends(Needs("jobs"))])
    # The database lets one write at a time. Requests wait for that on the event loop: waiting in threads,
    # they would leave none for those who fetch results.
    writing = asyncio.Lock()
    routes.include_router(order_routes(store, folders, writing))
    routes.include_router(result_routes(store, folders))
    uploads = Uploads(folders, config)

    @routes.post("", status_code=201, openapi_extra=_SHOT_BODY)
    async def submit(
        request: Request, priority: Priority = 0, name: Name = "", comment: Comment = "", key: Key = None
    ) -> Submitted:
        """Queue the shot file that is the request's body; the same key with the same shot queues it once."""
        if sentence := await run_in_threadpool(conditions.still, QUEUE):
            raise Refused("host", sentence, headers={"Retry-After": "60"})
        job = secrets.token_hex(16)
        uploaded = await uploads.receive(request, job, caller(request).id)
        async with writing:
            words = {"priority": priority, "name": name, "comment": comment}
            queued = await run_in_threadpool(enqueue, caller(request).id, job, uploaded, key, words)
        return Submitted(id=queued)

    def enqueue(owner: str, job: str, uploaded: Uploaded, key: str | None, words: dict) -> str:
        queued = ""
        try:
            queued = store.add(
                job,
                owner,
                key=key,
                shot=uploaded.sha256,
                size=uploaded.size,
                **words,
                most_jobs=config.jobs_per_token,
                most_bytes=config.bytes_per_token,
            )
        except Conflict:
            raise Refused("key", "This Idempotency-Key came with another shot before") from None
        except OverQuota as error:
            raise Refused("quota", error.problem, remedy=error.remedy) from None
        finally:
            if queued != job:
                folders.reject(job)
        try:
            folders.admit(queued)
        except OSError as error:
            # The job is in the queue, and the worker looks for its shot among the uploads, too.
            log.warning("a shot stays among the uploads: %s", error.strerror, extra={"job": queued})
        return queued

    @routes.get("")
    def list_jobs(
        request: Request,
        state: Annotated[str | None, Query(pattern=f"^({'|'.join(TRANSITIONS)})$")] = None,
        limit: Annotated[int, Query(ge=1, le=_PAGE)] = 50,
        before: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
    ) -> Page:
        """The token's jobs, newest first; of an admin's token everyone's."""
        found = store.page(owner(request), state, limit + 1, before)
        more = len(found) > limit
        return Page(jobs=found[:limit], before=found[limit - 1].id if more else None)

    @routes.get("/{job}")
    async def status(request: Request, job: str) -> JobStatus:
        """How far a job is."""
        return await the_callers(store, request, job)

    @routes.delete("/{job}", status_code=204, response_class=Response)
    async def delete(request: Request, job: str) -> None:
        """Forget a job that is over, with its shot and its results."""
        found = await the_callers(store, request, job)
        async with writing:
            deleted = await run_in_threadpool(store.delete, job)
        if not deleted:
            raise Refused("state", f"The job is {found.state}", remedy="Cancel it first.")
        await run_in_threadpool(remove, job)

    def remove(job: str) -> None:
        if folders.remove(job):
            store.removed(job)

    @routes.get("/{job}/events", response_class=StreamingResponse)
    async def events(
        request: Request, job: str, last: Annotated[str | None, Header(alias="Last-Event-ID")] = None
    ) -> StreamingResponse:
        """The job's changes as server-sent events, from the first one or after ``Last-Event-ID``."""
        await the_callers(store, request, job)
        # A Last-Event-ID that is no number is another engine's: the stream begins at the first event.
        after = int(last) if last and re.fullmatch("[0-9]{1,18}", last) else 0
        full = feed.streams >= STREAMS or feed.streams_of(caller(request).id) >= STREAMS_A_TOKEN
        if full:
            raise Refused("busy", "Too many event streams are open", headers={"Retry-After": "5"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            feed.stream(job, after, caller(request)), media_type="text/event-stream", headers=headers
        )

    return routes
