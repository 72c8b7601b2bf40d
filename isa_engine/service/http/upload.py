"""A shot comes in: to the disk while it is counted, then checked as a whole."""

import asyncio
import errno
import hashlib
import math
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from isa_engine.errors import IsaError, ShotError
from isa_engine.models import describe
from isa_engine.models.refusal import check
from isa_engine.sandbox import check_footage
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.refusals import Refused
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.queue.store import too_many_bytes
from isa_engine.shot import Shot, read_shot

# Seconds without a byte after which an upload is ended.
SILENCE_SECONDS = 60
# Bytes that are written at once, by a thread.
WRITE_BYTES = 2**20


@dataclass(frozen=True)
class Uploaded:
    """A shot file that was checked and is on the disk."""

    size: int
    sha256: str


class Uploads:
    """Receives shot files.

    Args:
        config: says how large they may be.
    """

    def __init__(self, folders: Folders, config: ServiceConfig):
        self.folders, self.config = folders, config
        # Bytes of each token that are on their way: in many uploads at once they could fill the disk before
        # any of them is a job and counts.
        self._coming: Counter[str] = Counter()
        # Reading a shot takes a few times its size of memory, so one is read at a time.
        self._reading = asyncio.Semaphore(1)

    async def receive(self, request: Request, job: str, owner: str) -> Uploaded:
        """Put the request's body, which is a shot for a model that this engine knows, among the uploads.

        Args:
            job: that is to be made of it.
            owner: id of the token.

        Raises:
            Refused: and nothing is left behind.
            OSError: the disk is full, or would be.
        """
        path = self.folders.receiving(job)
        try:
            uploaded = await self._stream(request, path, owner)
            async with self._reading:
                await run_in_threadpool(self._check, path)
            # Waiting for the disk takes longer than anything else here, so it is not done on the event loop.
            await run_in_threadpool(self.folders.received, job)
        except Exception:
            await run_in_threadpool(self.folders.reject, job)
            raise
        except BaseException:
            # The task was cancelled, as where the service ends: it can wait for no thread any more.
            self.folders.reject(job)
            raise
        return uploaded

    async def _stream(self, request: Request, path: Path, owner: str) -> Uploaded:
        declared = request.headers.get("content-length", "0")
        if not declared.isdecimal():
            raise Refused("request", "The upload's Content-Length is not a number")
        self._refuse_above_limit(int(declared))
        self._refuse_flood(owner, int(declared))
        received, digest, waiting = 0, hashlib.sha256(), bytearray()
        chunks = aiter(request.stream())
        # Unbuffered, so that closing it writes nothing: the event loop waits for no disk.
        with await run_in_threadpool(open, path, "xb", buffering=0) as file:
            try:
                while (chunk := await asyncio.wait_for(anext(chunks, None), SILENCE_SECONDS)) is not None:
                    received += len(chunk)
                    self._coming[owner] += len(chunk)
                    self._refuse_above_limit(received)
                    self._refuse_flood(owner)
                    waiting += chunk
                    digest.update(chunk)
                    if len(waiting) >= WRITE_BYTES:
                        await run_in_threadpool(self._write, file, waiting)
                await run_in_threadpool(self._write, file, waiting)
            except ClientDisconnect as error:
                raise Refused("upload", "The upload broke off", remedy="Send the shot again.") from error
            except TimeoutError as error:
                problem = f"The upload stood still for {SILENCE_SECONDS} s"
                raise Refused("upload", problem, remedy="Send the shot again.") from error
            finally:
                self._coming[owner] -= received
                self._coming = +self._coming
        return Uploaded(received, digest.hexdigest())

    def _refuse_flood(self, owner: str, more: int = 0) -> None:
        # What is kept already counts when the job is added: a shot that was sent before, and comes once more
        # because its answer was lost, takes no room.
        if self._coming[owner] + more > self.config.bytes_per_token:
            error = too_many_bytes(self.config.bytes_per_token)
            raise Refused("quota", error.problem, remedy=error.remedy)

    def _refuse_above_limit(self, size: int) -> None:
        if size > self.config.upload_limit:
            limit = f"{self.config.upload_limit / 2**20:g} MiB"
            problem = f"The shot is larger than the {limit} that this engine takes"
            remedy = "Shorten the take, or lower its Detail or Plate Scale."
            raise Refused("size", problem, remedy=remedy)

    def _write(self, file: RawIOBase, waiting: bytearray) -> None:
        """Write what waits, all of it, and empty it; the room that jobs need stays theirs."""
        if shutil.disk_usage(self.folders.root).free - len(waiting) < self.config.free_gib * 2**30:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        while waiting:
            del waiting[: file.write(waiting)]

    def _check(self, path: Path) -> None:
        try:
            shot = read_shot(path, self.config.upload_limit)
            check(describe(shot.settings.model), shot)
            self._check_work(shot)
            if shot.background is not None:
                check_footage(shot.background, shot.frames, f"{path}, field 'background'")
        except IsaError as error:
            # Where the file lies on this machine is not the client's business.
            where = error.where.replace(str(path), "shot")
            raise Refused("shot", error.problem, where=where, remedy=error.remedy) from error

    def _check_work(self, shot: Shot) -> None:
        """What the worker would allocate, before it does."""
        settings = shot.settings
        smaller = " Use a smaller scale of the plate." if settings.plate_scale > 1 else ""
        for found, most, what, how in (
            (shot.frames, self.config.frames, "frames", ""),
            (math.prod(settings.plate_size), self.config.pixels, "pixels a frame", smaller),
        ):
            if found > most:
                remedy = f"This engine takes {most} at most.{how}"
                raise ShotError(f"{found} {what} are too many", where="shot", remedy=remedy)
