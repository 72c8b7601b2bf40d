"""A shot comes in: to the disk while it is counted, then checked as a whole."""

import asyncio
import os
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from isa_engine.configuration import model_config
from isa_engine.errors import IsaError
from isa_engine.shot import read_shot


class Uploads:
    """Receives shot files.

    Args:
        folder: where they lie until they are a job's.
        limit: bytes of the largest that is taken.
    """

    def __init__(self, folder: Path, limit: int):
        self.folder, self.limit = folder, limit
        # Reading a shot takes a few times its size of memory, so one is read at a time.
        self._reading = asyncio.Semaphore(1)

    async def receive(self, request: Request, name: str) -> Path:
        """The file with the request's body, which is a shot for a model that this engine knows.

        Raises:
            HTTPException: 400, 413 or 422 with the sentence; nothing is left behind.
        """
        path = self.folder / name
        try:
            await self._stream(request, path)
            async with self._reading:
                await run_in_threadpool(_check, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    async def _stream(self, request: Request, path: Path) -> None:
        declared = request.headers.get("content-length", "0")
        if not declared.isdecimal():
            raise HTTPException(400, "The upload's Content-Length is not a number.")
        self._refuse_above_limit(int(declared))
        received = 0
        with open(path, "xb") as file:
            try:
                async for chunk in request.stream():
                    received += len(chunk)
                    self._refuse_above_limit(received)
                    file.write(chunk)
            except ClientDisconnect as error:
                raise HTTPException(400, "The upload broke off. Send the shot again.") from error
            file.flush()
            os.fsync(file.fileno())

    def _refuse_above_limit(self, size: int) -> None:
        if size > self.limit:
            limit = f"{self.limit / 2**20:g} MiB"
            raise HTTPException(
                413, f"The shot is larger than the {limit} that this engine takes. Shorten the take."
            )


def _check(path: Path) -> None:
    try:
        model_config(read_shot(path).settings.model)
    except IsaError as error:
        # Where the file lies on this machine is not the client's business.
        where = error.where.replace(str(path), "shot")
        raise HTTPException(422, str(IsaError(error.problem, where=where, remedy=error.remedy))) from error
