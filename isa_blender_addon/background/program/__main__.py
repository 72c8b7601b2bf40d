"""What a Blender of its own runs to make a background.

usage: blender -b --python __main__.py -- RECIPE.json
or, with Blender's Python module: python __main__.py RECIPE.json

The file holds a ``Recipe`` as JSON. Lines "isa N" on stdout tell how many frames are done. It ends when its
standard input does, so it never outlives who has started it.
"""

import json
import os
import sys
import threading
import traceback
from pathlib import Path


def main() -> None:
    # This room by itself; what lies around it would load the whole add-on.
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from program.make import make
    from program.recipe import Recipe

    make(Recipe(**json.loads(Path(sys.argv[-1]).read_text(encoding="utf-8"))))


def _end_with_starter() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_starter, daemon=True).start()
    status = 0
    try:
        main()
    except Exception:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender's module may crash at interpreter exit.
    os._exit(status)
