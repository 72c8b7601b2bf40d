"""The same flow without a window, for render farms:

blender -b shot.blend --command isa_generate --out DIR
python -m isa_blender_addon.batch shot.blend --out DIR

Progress goes to stdout. Exit codes: 0 the plate is there, 1 it is not and stderr says why, 2 the command is
wrong, 130 interrupted.
"""

import argparse
import dataclasses
import json
import os
import signal
import sys
import threading
from pathlib import Path

import bpy

from isa_engine.errors import Cancelled, EngineError, IsaError, SceneError
from isa_engine.shot import Shot, encode_shot

from .. import background
from ..engine.jobs import JobRunner, JobSnapshot
from ..engine.process import LocalEngine, RemoteEngine
from ..plate import import_plate
from ..preferences.choices import preferences
from ..preflight import check_shot
from ..preflight.glance import glance
from ..scene.capture import capture_frames
from ..session.chosen_engine import check_remote
from ..settings.cast import references
from ..settings.shot import generation_settings
from .arguments import add_scene_arguments, configure

COMMAND = "isa_generate"
DESCRIPTION = "Generate a scene's plate and save the scene with it."
_POLL_SECONDS = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add_scene_arguments(parser)
    parser.add_argument(
        "--engine",
        metavar="URL",
        help="a remote engine, its token in ISA_ENGINE_TOKEN (default: this machine's)",
    )
    parser.add_argument(
        "--in-place",
        action="store_true",
        help="save the plate into the .blend itself, not into DIR/NAME-plate.blend",
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate the open file's scene; the exit code."""
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        saved = generate(bpy.context.scene, arguments, stop)
    except Cancelled:
        print("isa_generate: interrupted", file=sys.stderr, flush=True)
        return 130
    except IsaError as error:
        print(f"isa_generate: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        for number, handler in previous.items():
            # None: Blender's own, which Python cannot put back; the process is about to end.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    print(f"saved {saved}", flush=True)
    return 0


def generate(scene, arguments: argparse.Namespace, stop: threading.Event) -> Path:
    """Capture, generate, import, save; the saved file.

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
    out = arguments.out.absolute()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SceneError(f"the output folder '{out}' cannot be written: {error.strerror}") from error
    configure(scene, arguments)
    engine = start_engine(arguments, out)
    try:
        shot = capture(scene, stop)
        for finding in (*glance(scene, None), *check_shot(shot)):
            print(f"warning: {finding.sentence}", flush=True)
        runner = JobRunner(engine, lambda: encode_shot(shot), out)
        runner.start()
        follow(runner, stop)
    finally:
        if isinstance(engine, LocalEngine):
            engine.stop()
    for note in json.loads((out / "record.json").read_text(encoding="utf-8")).get("notes", ()):
        print(f"note: {note}", flush=True)
    import_plate(scene, out, shot, scene.isa.plate)
    scene.isa.last_results = str(out)
    return save(out, arguments.in_place)


def start_engine(arguments: argparse.Namespace, out: Path) -> LocalEngine | RemoteEngine:
    """The engine that will work; the local one is starting."""
    if arguments.engine:
        check_remote(arguments.engine)
        return RemoteEngine(arguments.engine, os.environ.get("ISA_ENGINE_TOKEN", ""))
    engine = LocalEngine(out / "engine.log", preferences().engine_python)
    engine.start()
    status = engine.poll()
    if status.state in ("absent", "failed"):
        raise EngineError(status.message)
    return engine


def capture(scene, stop: threading.Event) -> Shot:
    frames = capture_frames(scene, generation_settings(scene), references(scene))
    while True:
        try:
            done, total = next(frames)
        except StopIteration as finished:
            return with_background(scene, finished.value, stop)
        print(f"reading {done}/{total}", flush=True)
        if stop.is_set():
            frames.close()
            raise Cancelled


def with_background(scene, shot: Shot, stop: threading.Event) -> Shot:
    work = background.begin(scene, shot)
    if work is None:
        return shot
    shown = 0
    try:
        while (movie := work.poll()) is None:
            if work.done != shown:
                print(f"background {work.done}/{work.total}", flush=True)
                shown = work.done
            if stop.wait(_POLL_SECONDS):
                raise Cancelled
    finally:
        work.close()
    return dataclasses.replace(shot, background=movie)


def follow(runner: JobRunner, stop: threading.Event) -> None:
    """Print the job's progress until it is over."""
    shown = ""
    while not (snapshot := runner.wait(_POLL_SECONDS)).over:
        if (line := progress(snapshot)) != shown:
            print(line, flush=True)
            shown = line
        if stop.is_set():
            runner.cancel()
    if snapshot.state == "cancelled":
        raise Cancelled
    if snapshot.state == "failed":
        raise EngineError(snapshot.error)


def progress(snapshot: JobSnapshot) -> str:
    if snapshot.state == "running" and snapshot.phase:
        return f"{snapshot.phase} {snapshot.step}/{snapshot.steps}"
    return snapshot.state


def save(out: Path, in_place: bool) -> Path:
    """Save the scene with its plate; the original stays as it is unless asked otherwise."""
    original = Path(bpy.data.filepath)
    target = original if in_place else out / f"{original.stem}-plate.blend"
    with open(original, "rb") as file:
        compressed = file.read(7) != b"BLENDER"
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(target), check_existing=False, compress=compressed)
    except RuntimeError as error:
        raise SceneError(f"'{target}' cannot be saved: {error}") from error
    return target


_commands: list = []


def register() -> None:
    _commands.append(bpy.utils.register_cli_command(COMMAND, main))


def unregister() -> None:
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())


def main(argv: list[str]) -> int:
    """``blender -b shot.blend --command isa_generate ARGV``."""
    parser = argparse.ArgumentParser(prog=f"blender -b FILE --command {COMMAND}", description=DESCRIPTION)
    add_arguments(parser)
    return run(parser.parse_args(argv))
