"""The routes of orders to jobs: to end, to wait, to go on, to be made again, to come sooner."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from isa_engine.client.protocol import MAX_COMMENT, MAX_NAME, PRIORITIES, JobStatus
from isa_engine.client.words import LINE, LINES
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.access import the_callers
from isa_engine.service.http.refusals import Refused
from isa_engine.service.queue.store import JobStore


class Change(BaseModel):
    """What is to be another; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: Annotated[int | None, Field(ge=PRIORITIES[0], le=PRIORITIES[-1])] = None
    name: Annotated[str | None, Field(max_length=MAX_NAME, pattern=LINE)] = None
    comment: Annotated[str | None, Field(max_length=MAX_COMMENT, pattern=LINES)] = None


def order_routes(store: JobStore, folders: Folders, writing: asyncio.Lock) -> APIRouter:
    """Orders, under a job's own path.

    Args:
        writing: held while the database is written.
    """
    routes = APIRouter()

    async def ordered(
        request: Request, job: str, order: Callable[[str], bool | None], only: str = ""
    ) -> JobStatus:
        """Give an order, and say how the job is then.

        Args:
            only: the remedy where the order says that the job's state does not allow it; empty where every
                state does.
        """
        found = await the_callers(store, request, job)
        async with writing:
            done = await run_in_threadpool(order, job)
        if only and not done:
            raise Refused("state", f"The job is {found.state}", remedy=only)
        return await the_callers(store, request, job)

    @routes.post("/{job}/cancel")
    async def cancel(request: Request, job: str) -> JobStatus:
        """End a job, a running one after its current step; one that is over stays as it is."""
        return await ordered(request, job, store.cancel)

    @routes.post("/{job}/requeue")
    async def requeue(request: Request, job: str) -> JobStatus:
        """Queue a job anew that failed or was cancelled."""
        await the_callers(store, request, job)
        if not await run_in_threadpool(folders.has_shot, job):
            raise Refused("damaged", "The job's shot is no longer here", remedy="Send it again.")
        only = "Only what failed or was cancelled is queued again."
        return await ordered(request, job, store.requeue, only)

    @routes.post("/{job}/hold")
    async def hold(request: Request, job: str) -> JobStatus:
        """Let a job wait for ``resume``; a running one does so after its current step."""
        only = "Only what goes on, and does not end just now, can wait."
        return await ordered(request, job, store.hold, only)

    @routes.post("/{job}/resume")
    async def resume(request: Request, job: str) -> JobStatus:
        """Let a job that was held go on, from its last step."""
        return await ordered(request, job, store.resume, "Only what was held goes on.")

    @routes.patch("/{job}")
    async def change(request: Request, job: str, change: Change) -> JobStatus:
        """Give a job another priority, name or comment."""
        return await ordered(request, job, partial(store.change, **change.model_dump(exclude_none=True)))

    return routes
