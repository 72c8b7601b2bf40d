"""The routes of orders to jobs: to end, to wait, to go on, to be made again, to come sooner."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from isa_engine.client.protocol import MAX_COMMENT, MAX_NAME, PRIORITIES, JobStatus
from isa_engine.client.words import LINE, LINES
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.access import the_callers
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
        request: Request, job: str, order: Callable[[str], bool | None], refusal: str = ""
    ) -> JobStatus:
        """Give an order, and say how the job is then.

        Args:
            refusal: the sentence where the order says that the job cannot follow, with the job's state for
                ``{}``; empty where every job can.
        """
        found = await the_callers(store, request, job)
        async with writing:
            done = await run_in_threadpool(order, job)
        if refusal and not done:
            raise HTTPException(409, refusal.format(found.state))
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
            raise HTTPException(409, "The job's shot is no longer here. Send it again.")
        refusal = "The job is {}. Only what failed or was cancelled is queued again."
        return await ordered(request, job, store.requeue, refusal)

    @routes.post("/{job}/hold")
    async def hold(request: Request, job: str) -> JobStatus:
        """Let a job wait for ``resume``; a running one does so after its current step."""
        refusal = "The job is {}, or about to end. Only what goes on can wait."
        return await ordered(request, job, store.hold, refusal)

    @routes.post("/{job}/resume")
    async def resume(request: Request, job: str) -> JobStatus:
        """Let a job that was held go on, from its last step."""
        return await ordered(request, job, store.resume, "The job is {}. Only what was held goes on.")

    @routes.patch("/{job}")
    async def change(request: Request, job: str, change: Change) -> JobStatus:
        """Give a job another priority, name or comment."""
        return await ordered(request, job, partial(store.change, **change.model_dump(exclude_none=True)))

    return routes
