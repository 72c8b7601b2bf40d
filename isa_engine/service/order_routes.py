"""The routes of orders to jobs: to end, to wait, to go on, to be made again, to come sooner."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from isa_engine.client.protocol import MAX_COMMENT, MAX_NAME, PRIORITIES, JobStatus
from isa_engine.service.access import LINE, LINES, the_callers
from isa_engine.service.folders import Folders
from isa_engine.service.store import JobStore


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

    @routes.post("/{job}/cancel")
    async def cancel(request: Request, job: str) -> JobStatus:
        """End a job, a running one after its current step; one that is over stays as it is."""
        await the_callers(store, request, job)
        async with writing:
            await run_in_threadpool(store.cancel, job)
        return await the_callers(store, request, job)

    @routes.post("/{job}/requeue")
    async def requeue(request: Request, job: str) -> JobStatus:
        """Queue a job anew that failed or was cancelled."""
        found = await the_callers(store, request, job)
        if not await run_in_threadpool(folders.has_shot, job):
            raise HTTPException(409, "The job's shot is no longer here. Send it again.")
        async with writing:
            queued = await run_in_threadpool(store.requeue, job)
        if not queued:
            raise HTTPException(
                409, f"The job is {found.state}. Only what failed or was cancelled is queued again."
            )
        return await the_callers(store, request, job)

    @routes.post("/{job}/hold")
    async def hold(request: Request, job: str) -> JobStatus:
        """Let a job wait for ``resume``; a running one does so after its current step."""
        found = await the_callers(store, request, job)
        async with writing:
            held = await run_in_threadpool(store.hold, job)
        if not held:
            raise HTTPException(
                409, f"The job is {found.state}, or about to end. Only what goes on can wait."
            )
        return await the_callers(store, request, job)

    @routes.post("/{job}/resume")
    async def resume(request: Request, job: str) -> JobStatus:
        """Let a job that was held go on, from its last step."""
        found = await the_callers(store, request, job)
        async with writing:
            resumed = await run_in_threadpool(store.resume, job)
        if not resumed:
            raise HTTPException(409, f"The job is {found.state}. Only what was held goes on.")
        return await the_callers(store, request, job)

    @routes.patch("/{job}")
    async def change(request: Request, job: str, change: Change) -> JobStatus:
        """Give a job another priority, name or comment."""
        await the_callers(store, request, job)
        values = change.model_dump(exclude_none=True)
        async with writing:
            await run_in_threadpool(lambda: store.change(job, **values))
        return await the_callers(store, request, job)

    return routes
