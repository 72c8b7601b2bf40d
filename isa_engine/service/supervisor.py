"""Keeps one worker alive beside the service, and tells its jobs when it dies."""

import logging
import signal
import subprocess
import threading
from collections.abc import Sequence

from isa_engine.service.folders import Folders
from isa_engine.service.store import JobStore

STOP_SECONDS = 5
LONGEST_PAUSE_SECONDS = 30
# After so many deaths before it was ever ready, whoever waits in the queue is told.
HOPELESS = 3

log = logging.getLogger(__name__)


class Supervisor:
    """A worker process, started again whenever it dies. A context manager: leaving it stops the worker.

    Args:
        command: starts a worker; ``--data DIR`` is appended.
    """

    def __init__(self, store: JobStore, folders: Folders, command: Sequence[str]):
        self.store = store
        self.command = [*command, "--data", str(folders.root)]
        self.worker: subprocess.Popen | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name="supervisor", daemon=True)

    def __enter__(self) -> "Supervisor":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        with self._lock:
            self._stopping.set()
            worker = self.worker
        if worker is not None:
            worker.stdin.close()
            try:
                worker.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
        self._thread.join()
        self.store.set_worker("stopped")

    def _keep_alive(self) -> None:
        deaths = 0
        while (code := self._run_once()) is not None:
            ready = self.store.worker()[0] == "ready"
            deaths = 0 if ready else deaths + 1
            sentence = death_sentence(code)
            log.error("%s", sentence)
            self.store.worker_died(sentence)
            if deaths >= HOPELESS:
                self.store.refuse_queued(f"The engine's worker does not start. {sentence}")
            self._stopping.wait(min(2**deaths - 1, LONGEST_PAUSE_SECONDS))

    def _run_once(self) -> int | None:
        """Exit code of a worker that died by itself; None when it is time to stop."""
        with self._lock:
            if self._stopping.is_set():
                return None
            self.store.set_worker("starting")
            # What the worker prints belongs in the log; the service's own output is for its first line.
            self.worker = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=2)
        code = self.worker.wait()
        return None if self._stopping.is_set() else code


def death_sentence(code: int) -> str:
    """Why the worker died, as far as its exit code tells."""
    if code == -signal.SIGTERM:
        reason, remedy = "someone stopped it", "Generate again."
    elif code < 0 and signal.Signals(-code).name == "SIGKILL":
        reason = "killed by the system, most likely out of memory"
        remedy = "Generate fewer frames or a smaller picture, or close other programs."
    elif code < 0:
        reason, remedy = signal.Signals(-code).name, "Its log says more."
    else:
        reason, remedy = f"exit code {code}", "Its log says more."
    return f"The engine's worker died ({reason}). {remedy}"
