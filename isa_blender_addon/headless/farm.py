"""The open scene as a bundle for a render farm, whose workers need no Blender:

blender -b shot.blend --command isa_farm --out DIR

``isa_engine.farm`` says what a bundle is. Exit codes as of ``generate``.
"""

import argparse
import threading
from pathlib import Path

import bpy

from isa_engine.commands.farm import add_bundle_options
from isa_engine.commands.options.remaking import add_remaking, keeping
from isa_engine.errors import SceneError
from isa_engine.farm.eligibility import operating_system
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import check_folder
from isa_engine.shot import Shot

from ..blender.command import exit_code
from ..farm.bundle import write
from ..session.current import session
from ..session.generating import read
from .arguments import add_scene_arguments, configure
from .generate import follow_reading, tell_findings

COMMAND = "isa_farm"
DESCRIPTION = "Write a scene's takes as a bundle for a render farm."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", action=GivenPath, required=True, metavar="DIR", help="folder that workers share"
    )
    parser.add_argument(
        "--takes", type=int, default=1, help="so many seeds, from the scene's on (default: 1)"
    )
    add_scene_arguments(parser)
    add_remaking(parser)
    add_bundle_options(parser, operating_system())


def bundle(scene, arguments: argparse.Namespace, stop: threading.Event) -> Path:
    """Capture the scene and write its bundle; the template's path.

    Args:
        stop: set to end the work.

    Raises:
        IsaError: what went wrong.
        Cancelled: ``stop`` was set.
    """
    if not bpy.data.filepath:
        raise SceneError("no .blend is open", remedy=f"Name one: blender -b FILE --command {COMMAND} ...")
    if arguments.takes < 1:
        raise SceneError(f"--takes {arguments.takes} is out of range", remedy="Give at least 1.")
    check_folder(arguments.out)
    keep = keeping(arguments)
    configure(scene, arguments)
    templates: list[Path] = []

    def receive(shot: Shot) -> str:
        templates.append(write(Path(bpy.data.filepath).stem, shot, arguments))
        return ""

    now = session()
    follow_reading(read(now, scene, receive, keep), stop)
    tell_findings(now)
    return templates[0]


def main(argv: list[str]) -> int:
    """``blender -b shot.blend --command isa_farm ARGV``; the exit code."""
    parser = argparse.ArgumentParser(prog=f"blender -b FILE --command {COMMAND}", description=DESCRIPTION)
    add_arguments(parser)
    arguments = parser.parse_args(argv)

    def work(stop: threading.Event) -> None:
        print(f"saved {bundle(bpy.context.scene, arguments, stop)}", flush=True)

    return exit_code(COMMAND, work)
