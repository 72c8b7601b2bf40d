"""The engine of a farm session: a process that keeps the model loaded, and tasks that ask it to work.

usage: python -m isa_engine.farm.engine BUNDLE SESSION DEVICE

It listens on loopback, and answers those who know the key in the session's folder, which only its user can
read. It ends when it is told to, or when its address in that folder is gone, so that it never outlives its
session. Messages are JSON.
"""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from isa_engine.errors import EngineError, IsaError
from isa_engine.farm.job import Bundle, read_bundle
from isa_engine.out_folder import make_folder
from isa_engine.whole_file import whole_file

_ADDRESS, _LOG = "isa-engine.json", "isa-engine.log"
_MESSAGE_BYTES = 2**16
_POLL_SECONDS = 0.1
_SESSION_POLL_SECONDS = 2
_LOG_TAIL = 600


def start(bundle: Bundle, session: Path, device: str) -> None:
    """Start an engine for a session, and wait until its model is loaded.

    Raises:
        EngineError: it did not start, with the end of its log; or the session's folder cannot be written.
    """
    make_folder(session)
    log = session / _LOG
    with log.open("wb") as output:
        # The engine must not inherit our output: a farm waits for an action until nobody holds its output
        # open.
        engine = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(bundle.folder), str(session), device],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while not (session / _ADDRESS).exists():
        if engine.poll() is not None:
            said = log.read_text(errors="replace").strip()[-_LOG_TAIL:]
            raise EngineError(f"the engine did not start: {said}")
        time.sleep(_POLL_SECONDS)


def ask(session: Path, **task: Any) -> Iterator[dict[str, Any]]:
    """Give a task to the session's engine, and yield its messages: progress, and at last ``over``.

    Args:
        task: ``task`` ("denoise", "decode" or "stop") and its ``number``.

    Raises:
        EngineError: there is no engine, it went away, or the task failed; with the reason.
    """
    remedy = f"Its log is {session / _LOG}."
    try:
        address = json.loads((session / _ADDRESS).read_text())
        with Client(("127.0.0.1", address["port"]), authkey=bytes.fromhex(address["key"])) as connection:
            connection.send_bytes(json.dumps(task).encode())
            while not (message := json.loads(connection.recv_bytes(_MESSAGE_BYTES))).get("over"):
                yield message
    except (OSError, EOFError, ValueError, AuthenticationError) as error:
        raise EngineError(f"the session's engine does not answer: {error!r}", remedy=remedy) from error
    if message["error"]:
        raise EngineError(message["error"])
    yield message


def stop(session: Path) -> None:
    """End a session's engine, if there is one, and so free the device."""
    with contextlib.suppress(EngineError):
        list(ask(session, task="stop"))
    (session / _ADDRESS).unlink(missing_ok=True)


def main(folder: Path, session: Path, device: str) -> None:
    from isa_engine.farm import tasks
    from isa_engine.pipeline import Progress, load_model

    bundle = read_bundle(folder)
    model = load_model(bundle.job.model, device)
    work: dict[str, Callable] = {"denoise": tasks.denoise_take, "decode": tasks.decode_span}

    def serve(connection: Connection) -> None:
        def say(**message: Any) -> None:
            connection.send_bytes(json.dumps(message).encode())

        def report(progress: Progress) -> None:
            say(phase=progress.phase, step=progress.step, steps=progress.steps)

        task = json.loads(connection.recv_bytes(_MESSAGE_BYTES))
        if task["task"] == "stop":
            say(over=True, error="")
            os._exit(0)
        try:
            done = work[task["task"]](bundle, task["number"], model, report)
        except ConnectionError:
            raise
        except IsaError as error:
            say(over=True, error=str(error))
        except Exception as error:
            say(over=True, error=f"the engine failed: {error!r}")
            raise
        else:
            say(over=True, error="", done=done)

    key = secrets.token_bytes(32)
    with Listener(("127.0.0.1", 0), authkey=key) as listener:
        address = session / _ADDRESS
        with (
            whole_file(address) as partial,
            os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file,
        ):
            json.dump({"port": listener.address[1], "key": key.hex()}, file)
        threading.Thread(target=_end_with, args=(address,), daemon=True).start()
        while True:
            try:
                with listener.accept() as connection:
                    serve(connection)
            except (OSError, EOFError, ValueError, AuthenticationError) as error:
                # Whoever asked did not know the key, or went away: a cancelled task ends so, and its work
                # stops at the next report.
                print(f"connection lost: {error!r}", flush=True)
            except Exception as error:
                print(f"task failed: {error!r}", flush=True)


def _end_with(address: Path) -> None:
    while address.exists():
        time.sleep(_SESSION_POLL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
