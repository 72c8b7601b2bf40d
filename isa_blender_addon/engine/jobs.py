"""A job from Blender's side: a thread carries the shot to the engine and its results back.

The main thread starts a ``JobRunner`` and reads ``snapshot()`` from a timer. The runner knows nothing of
takes and queues; it alone says how its job stands, and puts results, preview and log into the folder.
Whatever happens to the engine, the thread ends, and in bounded time.
"""

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from isa_engine.client import EngineClient, EngineUnreachable, RequestRefused
from isa_engine.client.protocol import JobStatus
from isa_engine.errors import Cancelled, EngineError, IsaError, reason

from ..takes.files import ARRIVING, PREVIEW
from ..takes.take import fresh_key
from .orders import Order, keep_log, known_as
from .reach import PATIENCE_SECONDS, Engine, Reach
from .snapshot import JobSnapshot

POLL_SECONDS = 0.2
ANSWER_SECONDS = 15
# Tries after which a result that never comes whole, from an engine that answers, counts as damaged there.
DOWNLOADS = 3

T = TypeVar("T")


class JobRunner:
    """One job. Thread-safe; no method blocks but ``wait``.

    Args:
        engine: started already; the job waits until it is ready.
        shot: gives the shot's file; called in the thread.
        folder: takes the results (``protocol.RESULTS``) when all of them are there, and the preview before.
        key: the same for what is the same job, however often it is sent.
        job: the engine's name for it, where it was sent before.
        patience: seconds to wait for an engine that does not answer.
    """

    def __init__(
        self,
        engine: Engine,
        shot: Callable[[], bytes],
        folder: Path,
        key: str = "",
        job: str = "",
        patience: float = PATIENCE_SECONDS,
    ):
        self._engine, self._shot, self._folder = engine, shot, folder
        self._reach, self._key = Reach(engine, patience, self._pause), key or fresh_key()
        # Replaced as a whole, and by the thread alone: whoever reads it needs no lock.
        self._snapshot = JobSnapshot(job=job)
        # What the main thread tells the thread: that it is to end, and whether the engine goes on then.
        self._ending, self._left = threading.Event(), False
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="isa-job", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def snapshot(self) -> JobSnapshot:
        """How the job stands now; what it returns never changes."""
        return self._snapshot

    def cancel(self) -> None:
        """Ask the job to end; it does so after the step that it is in."""
        self._ending.set()

    def leave(self) -> bool:
        """Let the engine go on alone, unless the job is to end: it can be taken up by its key.

        Returns:
            whether the engine goes on.
        """
        self._left = not self._ending.is_set()
        self._ending.set()
        return self._left

    def order(self, order: Order) -> None:
        """Have the thread ask something of the engine while the job is there."""
        self._orders.put(order)

    def wait(self, seconds: float | None = None) -> JobSnapshot:
        """Block until the job is over, or for so long."""
        self._thread.join(seconds)
        return self._snapshot

    def _run(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            status = self._reach.ready()
            client = EngineClient(status.url, status.token, ANSWER_SECONDS, status.identity)
            try:
                self._work(client)
            finally:
                client.close()
        except Cancelled:
            self._show(state="cancelled", error="")
        except IsaError as error:
            # In English: the take keeps it on disk, and may be read in another language.
            self._show(state="failed", error=str(error))
        except OSError as error:
            place, remedy = error.filename or self._folder, "Free some space or choose another folder."
            self._show(state="failed", error=str(EngineError(reason(error), where=str(place), remedy=remedy)))
        except Exception as error:
            self._show(state="failed", error=f"The job failed: {error!r}. Please report this.")
            raise

    def _work(self, client: EngineClient) -> None:
        self._stop_if_asked()
        job = self._known(client) if self._snapshot.job else self._submit(client)
        self._show(job=job)
        try:
            previews = 0
            while not (status := self._patiently(lambda: client.job(job))).over:
                self._show_progress(status)
                self._obey(client, job)
                if status.previews > previews:
                    self._fetch_preview(client, job)
                    previews = status.previews
                self._pause()
        except Cancelled:
            if not self._left:
                self._cancel(client, job)
                self._show(job="")
            raise
        try:
            if status.state != "done":
                # Nobody can ask for it later, where the next engine has another folder.
                with contextlib.suppress(EngineError, OSError):
                    keep_log(self._folder)(client, job)
                # The engine has ended it, so that sending it again must make a new job.
                self._show(job="")
                raise EngineError(status.error) if status.state == "failed" else Cancelled
            self._show(state="fetching", error="")
            self._fetch(client, job)
            if self._engine.private:
                self._forget(client, job)
            self._show(state="done")
        except Cancelled:
            # The engine has nothing left to end.
            if not self._left:
                self._show(job="")
            raise

    def _known(self, client: EngineClient) -> str:
        """The name of a job that was sent before.

        Raises:
            EngineError: this engine has no such job. It is not sent anew unasked: the name may come from a
                file that somebody else wrote.
        """
        job = self._snapshot.job
        self._patiently(client.health)
        try:
            return self._patiently(lambda: client.job(job)).id
        except RequestRefused as error:
            if error.kind != "unknown":
                raise
            self._show(job="")
            raise EngineError(
                "the engine does not have this job any more", remedy="Go on to send it again."
            ) from error

    def _submit(self, client: EngineClient) -> str:
        shot = self._shot()
        self._show(state="uploading", steps=len(shot))

        def sent(size: int) -> None:
            self._show(step=size)
            # Once all is there the engine makes a job of it, which has to be known to be cancelled.
            if size < len(shot):
                self._stop_if_asked()

        # With one key the engine makes one job, however often the shot is sent over a bad connection.
        return self._patiently(
            lambda: client.submit(shot, key=self._key, sent=sent, name=known_as(self._folder))
        )

    def _obey(self, client: EngineClient, job: str) -> None:
        """Carry out what was asked for meanwhile."""
        while not self._orders.empty():
            try:
                self._orders.get()(client, job)
                self._show(said="")
            except EngineUnreachable:
                # The next look at the job tells what there is to tell.
                return
            except EngineError as error:
                self._show(said=str(error))

    def _fetch_preview(self, client: EngineClient, job: str) -> None:
        """Fetch the newest preview; where that fails, the job goes on without."""
        preview = self._folder / PREVIEW
        with contextlib.suppress(EngineError, OSError):
            client.fetch_preview(job, preview, self._ending.is_set)
            self._show(preview=preview, preview_version=preview.stat().st_mtime_ns)

    def _fetch(self, client: EngineClient, job: str) -> None:
        """All results or none: a full disk leaves the folder, and an older take in it, as they were."""
        # Who tidies up beside the .blend meanwhile loses no plate.
        self._folder.mkdir(parents=True, exist_ok=True)
        arriving = Path(tempfile.mkdtemp(prefix=ARRIVING, dir=self._folder))
        try:
            names = self._patiently(lambda: client.result_names(job))
            for name in names:
                self._download(client, job, arriving / name)
            for name in names:
                os.replace(arriving / name, self._folder / name)
        except EngineError as error:
            if error.where != str(arriving):
                raise
            # Where it is to be; the artist does not know the folder in between.
            raise EngineError(error.problem, where=str(self._folder), remedy=error.remedy) from error
        finally:
            shutil.rmtree(arriving, ignore_errors=True)

    def _download(self, client: EngineClient, job: str, path: Path) -> None:
        """One result, whole.

        Raises:
            EngineError: it comes damaged again and again though the engine answers.
        """
        for _ in range(DOWNLOADS):
            self._stop_if_asked()
            try:
                self._reach.once(lambda: client.fetch(job, path.name, path, self._ending.is_set))
                return
            except EngineUnreachable as error:
                failure = error
            self._patiently(client.health)
        problem, remedy = "{file} does not come whole: {reason}", "Generate it again."
        raise EngineError(problem, remedy=remedy, file=path.name, reason=failure) from failure

    def _cancel(self, client: EngineClient, job: str) -> None:
        """Tell the engine to end a job; where it does not answer any more, nothing is left to be told."""
        with contextlib.suppress(EngineError):
            client.cancel(job)

    def _forget(self, client: EngineClient, job: str) -> None:
        """Have the engine delete a job whose results are here; where that fails, its files only take room."""
        with contextlib.suppress(EngineError):
            client.delete(job)

    def _patiently(self, call: Callable[[], T]) -> T:
        """As ``Reach.patiently``, and shown."""
        before = self._snapshot.state
        answer = self._reach.patiently(call, lambda: self._show(state="lost"))
        self._show(state=before)
        return answer

    def _pause(self) -> None:
        self._ending.wait(POLL_SECONDS)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._ending.is_set():
            raise Cancelled

    def _show_progress(self, status: JobStatus) -> None:
        shown = {"state": status.state, "phase": status.phase, "step": status.step, "steps": status.steps}
        self._show(**shown, error=status.error)
        self._show(priority=status.priority, comment=status.comment)

    def _show(self, **changes) -> None:
        self._snapshot = replace(self._snapshot, **changes)
