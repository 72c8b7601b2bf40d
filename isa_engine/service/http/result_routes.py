"""The routes of what jobs make: results, previews, logs."""

import base64
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool

from isa_engine.client.protocol import RESULTS, ResultFile
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.access import the_callers
from isa_engine.service.http.refusals import Refused
from isa_engine.service.queue.store import JobStore, ask
from isa_engine.service.upkeep.inspection import Inspection

_NOSNIFF = {"X-Content-Type-Options": "nosniff"}


def result_routes(store: JobStore, folders: Folders) -> APIRouter:
    """What there is to fetch, under a job's own path."""
    routes, inspection = APIRouter(), Inspection(folders)

    @routes.get("/{job}/results")
    async def results(request: Request, job: str) -> list[ResultFile]:
        """The files that a finished job holds, with their checksums."""
        await the_callers(store, request, job)
        return await ask(store, store.results, job)

    @routes.get("/{job}/results/{name}", response_class=FileResponse)
    async def result(request: Request, job: str, name: str) -> FileResponse:
        """One of the files that a finished job holds, or a range of it."""
        status = await the_callers(store, request, job)
        if name not in RESULTS:
            raise Refused("unknown", "There is no such result", remedy=f"A job has {', '.join(RESULTS)}.")
        if status.state != "done":
            raise Refused("state", f"The job is {status.state}, so it has no results")
        found = await ask(store, store.results, job)
        listed = next((file for file in found if file.name == name), None)
        if listed is None:
            raise Refused("unknown", "There is no such file")
        fault = await run_in_threadpool(inspection.fault, job, status.attempt, listed)
        if fault:
            await run_in_threadpool(store.spoiled, job, str(fault))
            raise Refused("damaged", fault.problem, remedy=fault.remedy)
        # RFC 9530; the ETag lets a broken download go on (If-Range) without mixing two files.
        encoded = base64.b64encode(bytes.fromhex(listed.sha256)).decode()
        headers = {"ETag": f'"{listed.sha256}"', "Repr-Digest": f"sha-256=:{encoded}:", **_NOSNIFF}
        path = folders.results(job, status.attempt) / name
        try:
            # The event loop waits for no disk.
            found = await run_in_threadpool(path.stat)
        except FileNotFoundError:
            raise Refused("unknown", "There is no such file") from None
        return FileResponse(path, media_type=RESULTS[name], headers=headers, stat_result=found)

    @routes.get("/{job}/log", response_class=Response)
    async def job_log(request: Request, job: str) -> Response:
        """What the workers did over a job, in lines of text."""
        await the_callers(store, request, job)
        return await _as_it_is(folders.log(job), "text/plain; charset=utf-8")

    @routes.get("/{job}/preview", response_class=Response)
    async def preview(request: Request, job: str) -> Response:
        """The newest preview picture of a job."""
        await the_callers(store, request, job)
        return await _as_it_is(folders.preview(job), "image/png")

    return routes


async def _as_it_is(path: Path, media_type: str) -> Response:
    """A small file that changes while its job runs: a file response would say one length and send another."""
    try:
        content = await run_in_threadpool(path.read_bytes)
    except FileNotFoundError:
        raise Refused("unknown", "There is no such picture or file yet") from None
    return Response(content, media_type=media_type, headers={"Cache-Control": "no-store", **_NOSNIFF})
