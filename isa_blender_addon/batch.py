"""``isa_generate`` with Blender's Python module: python -m isa_blender_addon.batch shot.blend --out DIR"""

import argparse
import os
import sys
import traceback
from importlib.util import find_spec

import bpy

from isa_engine.client.location import python_of
from isa_engine.given_path import GivenPath

from . import register
from .headless.generate import DESCRIPTION, add_arguments, run
from .language.translation import reported


def module_main(argv: list[str] | None = None) -> int:
    """``python -m isa_blender_addon.batch shot.blend ARGV``, with Blender's Python module.

    Where no engine is named or installed, it is this Python's, as ``install/setup.sh`` puts both into one.
    """
    parser = argparse.ArgumentParser(prog="python -m isa_blender_addon.batch", description=DESCRIPTION)
    parser.add_argument("blend", action=GivenPath, metavar="FILE", help="the .blend to generate")
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    if arguments.blend.is_dir():
        print(
            f"isa_generate: '{arguments.blend}' is a folder. Name the .blend that is in it.", file=sys.stderr
        )
        return 1
    if not python_of("engine") and find_spec("torch"):
        os.environ["ISA_ENGINE_PYTHON"] = sys.executable
    register()
    try:
        bpy.ops.wm.open_mainfile(filepath=str(arguments.blend.absolute()))
    except RuntimeError as error:
        print(f"isa_generate: cannot open '{arguments.blend}': {reported(error)}", file=sys.stderr)
        return 1
    return run(arguments)


if __name__ == "__main__":
    try:
        status = module_main()
    except Exception:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender's module crashes at interpreter exit while classes are registered with it.
    os._exit(status)
