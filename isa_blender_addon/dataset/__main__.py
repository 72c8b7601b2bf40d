"""``python -m isa_blender_addon.dataset``, with Blender's Python module."""

import sys

from .command import main

sys.exit(main(sys.argv[1:], "python -m isa_blender_addon.dataset"))
