"""Synthetic humans filmed by Cycles, for evaluation and for training:

blender -b --command isa_synthesize --out DIR --clips 8
python -m isa_blender_addon.dataset --out DIR --clips 8

People of the open body in garments and hair made by code move as in bundled motions, on sets and under skies
made by code, before a moving camera. One seed gives one clip, pixel for pixel, ``DIR/<split>-<seed>``; a clip
that is there is skipped, so a run that was stopped goes on.

A clip (F frames, K characters, R references, all pictures of one size; what is an array is float32 but for
``reference_of``, int64):

=========================  ============================================================================
``clip.json``              ``format`` "isa-rendered 1", ``frames``, ``width``, ``height``, ``fps``,
                           ``references``, ``split``, ``source`` (seed, samples, set, takes, patterns worn),
                           ``body`` (``isa_engine.data.recordings.recording.fingerprint``)
``video/0000.png`` …       RGB, 8 bits
``background/0000.png`` …  RGB: the same frame without the cast
``mask/0000.png`` …        grey: 0 the set, k the k-th character
``reference/0.png`` …      RGB: the same people in other poses, from another side, on another set
``arrays.npz``             no pickles; names and shapes as in ``isa_engine.data.recordings.recording``:
                           ``betas``, ``rotations``, ``translation``, ``intrinsics``, ``camera_to_world``,
                           ``reference_of``, ``reference_rotations``, ``reference_translation``,
                           ``reference_intrinsics``, ``reference_camera_to_world``
=========================  ============================================================================

``isa_engine.data.recordings.rendered`` reads it. Nothing of this is loaded before the command is given.
"""

import bpy

COMMAND = "isa_synthesize"

_commands: list = []


def register() -> None:
    _commands.append(bpy.utils.register_cli_command(COMMAND, _main))


def unregister() -> None:
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())


def _main(argv: list[str]) -> int:
    from .command import main

    return main(argv, f"blender -b --command {COMMAND}")
