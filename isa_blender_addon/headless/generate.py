"""The same flow without a window, for render farms:

blender -b shot.blend --command isa_generate --out DIR
python -m isa_blender_addon.batch shot.blend --out DIR

Progress goes to stdout. Exit codes: 0 the plate is there, 1 it is not and stderr says why, 2 the command is
wrong, 130 interrupted. A serious finding of preflight's is an error, unless ``--anyway`` is given.
"""

import argparse
import json
import os
import threading
import time
from pathlib import Path

import bpy

from isa_engine.commands.options.remaking import add_remaking, keeping
from isa_engine.errors import Cancelled, EngineError, SceneError
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import make_folder

from ..blender.command import exit_code
from ..engine.chosen_engine import ChosenEngine
from ..engine.queue import Job
from ..engine.reach import PATIENCE_SECONDS
from ..language.translation import reported
from ..preferences.choices import Choices, preferences
from ..session import generating
from ..session.current import begin, close
from ..session.reading.reading import Reading
from ..session.session import Session
from ..takes.replacing import begin_within, leave_within
from .arguments import add_scene_arguments, configure
from .places import alone_in, check_file

COMMAND = "isa_generate"
DESCRIPTION = "Generate a scene's plate and save the scene with it."
_POLL_SECONDS = 0.2
_PHASES = {"read": "reading", "background": "background", "check": "checking"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", action=GivenPath, required=True, metavar="DIR", help="folder for the results"
    )
    add_scene_arguments(parser)
    add_remaking(parser)
    parser.add_argument(
        "--engine",
        metavar="URL",
        help="a remote engine, its token in ISA_ENGINE_TOKEN (default: this machine's)",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="also where a check says that the plate will hardly be what you want; with --of that was known "
        "when the take was made, and is no reason to stop",
    )
    parser.add_argument(
        "--in-place",
        action="store_true",
        help="save the plate into the .blend itself, not into DIR/NAME-plate.blend",
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate the open file's scene; the exit code."""

    def work(stop: threading.Event) -> None:
        print(f"saved {generate(bpy.context.scene, arguments, stop)}", flush=True)

    return exit_code(COMMAND, work)


def generate(scene, arguments: argparse.Namespace, stop: threading.Event) -> Path:
    """Do what *Generate* does, and save the file with the plate; the saved file.

    What an older take has left in the output folder stays until all of the new one is there.

    Args:
        stop: set to end the work.

    Raises:
        IsaError: what went wrong; nothing is saved then.
        Cancelled: ``stop`` was set.
    """
    if not bpy.data.filepath:
        raise SceneError(
            "no .blend is open", remedy="Name one: blender -b shot.blend --command isa_generate ..."
        )
    out = Path(os.path.realpath(arguments.out))
    keep = keeping(arguments)
    if arguments.in_place:
        check_file(Path(bpy.data.filepath))
    make_folder(out)
    with alone_in(out):
        within = begin_within(out)
        now = begin(Session(engine(arguments, out), PATIENCE_SECONDS))
        try:
            if arguments.engine is not None:
                meet(now.engine, stop)
            configure(scene, arguments)
            reading = generating.generate(
                now, scene, arguments.anyway or arguments.of is not None, within, keep
            )
            follow_reading(reading, stop)
            tell_findings(now)
            follow_job(now, within, stop)
        finally:
            close()
            # Nobody goes on with a job that has not come to its end.
            leave_within(within)
        for note in json.loads((out / "record.json").read_text(encoding="utf-8")).get("notes", ()):
            print(f"note: {note}", flush=True)
        return save(out, arguments.in_place)


def engine(arguments: argparse.Namespace, out: Path) -> ChosenEngine:
    """The engine that the command line names, else this machine's; not started yet."""
    if arguments.engine is not None:
        token = os.environ.get("ISA_ENGINE_TOKEN", "")
        choices = Choices("REMOTE", remote_url=arguments.engine, remote_token=token)
    else:
        choices = Choices("LOCAL", preferences().engine_python)
    return ChosenEngine(lambda: choices, out / "engine.log")


def meet(remote: ChosenEngine, stop: threading.Event) -> None:
    """Ask a remote engine how it is: it may have models that this machine does not know.

    Raises:
        EngineError: it does not answer.
        Cancelled: ``stop`` was set.
    """
    waits_until = time.monotonic() + PATIENCE_SECONDS
    while remote.health is None:
        if not remote.asking:
            if remote.refused or (remote.error and time.monotonic() > waits_until):
                raise EngineError(remote.error)
            remote.start()
        if stop.wait(_POLL_SECONDS):
            raise Cancelled


def follow_reading(reading: Reading, stop: threading.Event) -> None:
    """Read to the end, and print how far it is.

    Raises:
        IsaError: the scene cannot be read.
        Cancelled: ``stop`` was set.
    """
    shown = None
    while reading.step():
        reading.rest()
        if reading.progress != shown:
            shown = reading.progress
            phase, done, total = shown
            print(f"{_PHASES[phase]} {done}/{total}", flush=True)
        if stop.is_set():
            reading.cancel()


def tell_findings(now: Session) -> None:
    """Print what was found.

    Raises:
        SceneError: the shot waits because of it.
    """
    findings = now.warnings
    for finding in findings:
        print(f"warning: {finding.sentence}", flush=True)
    if now.held:
        serious = next(finding for finding in findings[::-1] if finding.serious)
        remedy = "Stage it otherwise, or give --anyway."
        raise SceneError(f"the shot is not generated: {serious.sentence}", remedy=remedy)


def follow_job(now: Session, folder: Path, stop: threading.Event) -> None:
    """Print a take's progress until its plate is in the scene.

    Raises:
        IsaError: it failed, or its plate cannot be shown.
        Cancelled: ``stop`` was set.
    """
    shown, waits_until = "", time.monotonic() + PATIENCE_SECONDS
    while now.arriving(folder):
        now.tick()
        job = next((job for job in now.queue.jobs() if job.take.folder == folder), None)
        if job is not None:
            if (line := progress(job)) != shown:
                print(line, flush=True)
                shown = line
            if job.state == "cancelled":
                raise Cancelled
            if job.stopped:
                raise EngineError(job.snapshot.error)
            if job.state == "waiting":
                expect_engine(now, time.monotonic() > waits_until)
        time.sleep(_POLL_SECONDS)
        if stop.is_set() and job is not None:
            now.queue.cancel(folder)
    if now.error:
        raise SceneError(now.error)


def expect_engine(now: Session, waited: bool) -> None:
    """Raise an ``EngineError`` where a job would wait for its engine in vain.

    Args:
        waited: whether it has waited so long that an engine which does not answer will not.
    """
    status = now.engine.status()
    if status.state in ("absent", "failed"):
        raise EngineError(status.message)
    if waited and now.engine.error:
        raise EngineError(now.engine.error)


def progress(job: Job) -> str:
    """One line on how far a job is."""
    snapshot = job.snapshot
    if job.state == "running" and snapshot.phase:
        return f"{snapshot.phase} {snapshot.step}/{snapshot.steps}"
    return job.state


def save(out: Path, in_place: bool) -> Path:
    """Save the scene with its plate; the original stays as it is unless asked otherwise."""
    original = Path(bpy.data.filepath)
    target = original if in_place else out / f"{original.stem}-plate.blend"
    with open(original, "rb") as file:
        compressed = file.read(7) != b"BLENDER"
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(target), check_existing=False, compress=compressed)
    except RuntimeError as error:
        raise SceneError(f"'{target}' cannot be saved: {reported(error)}") from error
    return target


def main(argv: list[str]) -> int:
    """``blender -b shot.blend --command isa_generate ARGV``."""
    parser = argparse.ArgumentParser(prog=f"blender -b FILE --command {COMMAND}", description=DESCRIPTION)
    add_arguments(parser)
    return run(parser.parse_args(argv))
