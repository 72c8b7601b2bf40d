"""Keeps one worker alive beside the service, on one device, and puts its job back when it dies."""

import contextlib
import logging
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

from isa_engine.service.files.folders import Folders
from isa_engine.service.files.job_log import note
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.queue.store import JobStore

STOP_SECONDS = 5
LONGEST_PAUSE_SECONDS = 30
# After so many deaths without having been ready, those who wait are told.
HOPELESS = 3
# Minutes of silence after which a worker without a job, or one that is starting, counts as hanging.
QUIET_MINUTES = 1
HUNG = "The engine's worker hung: it said nothing for {:g} minutes. Its log may say more."
_POLL_SECONDS = 1

log = logging.getLogger(__name__)


class Supervisor:
    """A worker process, started again whenever it dies. A context manager: leaving it stops the worker.

    Args:
        command: starts a worker; its options are appended.
        number: of this worker among those of the service.
        device: that it works on.
        conditions: where it is said that no worker starts.
    """

    def __init__(
        self,
        store: JobStore,
        folders: Folders,
        command: Sequence[str],
        config: ServiceConfig | None = None,
        number: int = 0,
        device: str = "auto",
        conditions: Conditions | None = None,
    ):
        self.store, self.folders, self.number = store, folders, number
        self.conditions, self._name = conditions or Conditions(), f"worker-{number}"
        self.config = config = config or ServiceConfig()
        options = {
            "--data": folders.root,
            "--store": config.store,
            "--results": config.results,
            "--number": number,
            "--device": device,
            "--job-seconds": config.job_hours * 3600,
            "--free-bytes": int(config.free_gib * 2**30),
            "--log": config.log,
        }
        self.command = [*command, *(str(part) for option in options.items() for part in option)]
        self.command += ["--compile"] if config.compile else []
        self.worker: subprocess.Popen | None = None
        self.drains = False
        self._renewing = False
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name=f"supervisor-{number}", daemon=True)

    def __enter__(self) -> "Supervisor":
        self._thread.start()
        return self

    def renew(self) -> None:
        """End the worker, so that another one opens everything anew. Its job is put back."""
        with self._lock:
            self._renewing = True
            worker = self.worker
        if worker is not None:
            worker.kill()

    def __exit__(self, *_) -> None:
        with self._lock:
            self._stopping.set()
            worker = self.worker
        if worker is not None:
            with contextlib.suppress(OSError):
                self._end(worker)
        self._thread.join()
        # A disk that is full now is no reason to end otherwise; the next start forgets the worker anyway.
        with contextlib.suppress(OSError):
            self.store.set_worker("stopped", worker=self.number)

    def _end(self, worker: subprocess.Popen) -> None:
        if self.drains:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.stdin.write(b"stop\n")
                worker.stdin.flush()
                worker.wait(self.config.drain_seconds)
        worker.stdin.close()
        try:
            worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()

    def _keep_alive(self) -> None:
        deaths = 0
        while not self._stopping.is_set():
            try:
                sentence, blameless = self._run_once()
            except Exception as error:
                # The process could not be started (no descriptors, no memory, no program): a later try may
                # succeed.
                sentence, blameless = (
                    f"The engine's worker cannot be started: {str(error) or type(error).__name__}.",
                    True,
                )
            if self._stopping.is_set():
                return
            log.error("%s", sentence, extra={"worker": self.number})
            deaths = 0 if self._settle(sentence, blameless) else deaths + 1
            if deaths >= HOPELESS:
                self.conditions.stands(self._name, f"The engine's worker does not start. {sentence}")
            self._stopping.wait(min(2**deaths - 1, LONGEST_PAUSE_SECONDS))

    def _settle(self, sentence: str, blameless: bool) -> bool:
        """Put the dead worker's job back; whether the worker had been ready."""
        while not self._stopping.is_set():
            try:
                ready = {worker.number for worker in self.store.workers() if worker.state == "ready"}
                for job in self.store.worker_died(sentence, self.number, blameless):
                    note(self.folders.log(job), sentence)
                return self.number in ready
            except Exception as error:
                # The queue cannot be written (a full disk, a lock); it is tried again later.
                log.error("the queue cannot be written: %s", error, extra={"worker": self.number})
                self._stopping.wait(_POLL_SECONDS)
        return False

    def _run_once(self) -> tuple[str, bool]:
        """Why a worker's life ended, and whether its job has nothing to do with it."""
        with self._lock:
            if self._stopping.is_set():
                return "", True
            with contextlib.suppress(OSError):
                self.store.set_worker("starting", worker=self.number)
            # What the worker prints belongs in the log; the service's own output is for its first line.
            self.worker = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=2)
        sentence = self._wait(self.worker)
        with self._lock:
            renewed, self._renewing = self._renewing, False
        return sentence, renewed

    def _wait(self, worker: subprocess.Popen) -> str:
        """Why it ended; a worker that gives no sign of life for too long is ended here."""
        told, since, minutes = None, time.monotonic(), QUIET_MINUTES
        while True:
            try:
                return death_sentence(worker.wait(_POLL_SECONDS))
            except subprocess.TimeoutExpired:
                pass
            with contextlib.suppress(Exception):
                job, beats = self.store.running(self.number), self.store.beats(self.number)
                if (job, beats) != told:
                    told, since = (job, beats), time.monotonic()
                    if beats is not None and beats[0] == "ready":
                        self.conditions.passed(self._name)
                minutes = self._patience(job, beats)
            if time.monotonic() - since > minutes * 60:
                worker.kill()
                worker.wait()
                return HUNG.format(minutes)

    def _patience(self, job: tuple | None, beats: tuple | None) -> float:
        """Minutes of silence after which the worker hangs."""
        state, beat = beats or ("starting", 0)
        silent = self.config.silent_minutes
        if job is None and state == "ready":
            # Between jobs it has nothing to do but to say that it lives.
            return QUIET_MINUTES
        # Until its program runs, a worker cannot say that it lives.
        return silent if job or beat else max(QUIET_MINUTES, silent)


def death_sentence(code: int) -> str:
    """Why the worker died, as far as its exit code tells."""
    names = {-each.value: each.name for each in signal.Signals}
    if code == -signal.SIGTERM:
        reason, remedy = "someone stopped it", "Generate again."
    elif code == -signal.SIGKILL:
        reason = "killed by the system, most likely out of memory"
        remedy = "Generate fewer frames or a smaller picture, or close other programs."
    elif code < 0:
        reason, remedy = names.get(code, f"signal {-code}"), "Its log says more."
    else:
        reason, remedy = f"exit code {code}", "Its log says more."
    return f"The engine's worker died ({reason}). {remedy}"
