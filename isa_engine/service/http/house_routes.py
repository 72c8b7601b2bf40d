"""The routes of the house: its workers, and how jobs ended."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from isa_engine.client.protocol import Ending, WorkerStatus
from isa_engine.service.http.access import Needs, owner
from isa_engine.service.http.refusals import Refused
from isa_engine.service.queue.history import History
from isa_engine.service.queue.store import JobStore, ask

_PAGE = 200


class Endings(BaseModel):
    """Some endings, the newest first; ``before`` asks for the next ones, None: these were the last."""

    endings: list[Ending]
    before: int | None


def house_routes(store: JobStore) -> APIRouter:
    """``/workers`` and ``/history``."""
    routes, history = APIRouter(), History(store)

    @routes.get("/history", dependencies=[Depends(Needs("jobs"))])
    def list_endings(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=_PAGE)] = 50,
        before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    ) -> Endings:
        """How the token's jobs ended, deleted ones too, newest first; for an admin's token everyone's."""
        found = history.page(owner(request), limit + 1, before)
        more = len(found) > limit
        return Endings(endings=found[:limit], before=found[limit - 1].number if more else None)

    @routes.get("/workers", dependencies=[Depends(Needs("admin"))])
    async def list_workers() -> list[WorkerStatus]:
        """Every worker, when it last gave a sign of life, and what it does."""
        return await ask(store, store.workers)

    @routes.post("/workers/{number}/forgive", dependencies=[Depends(Needs("admin"))])
    async def forgive(number: int) -> list[WorkerStatus]:
        """Let a worker that was blocked, for failing what others did, take jobs again."""
        if not 0 <= number < 2**31 or not await run_in_threadpool(store.forgive, number):
            raise Refused("unknown", "There is no such worker")
        return await ask(store, store.workers)

    return routes
