"""The buttons by which the plate's people are saved for other programs."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy

from isa_blender_addon.ui.delivery import ISA_PT_delivery


def test_three_formats_side_by_side_have_room_for_their_words(addon):
    """A third of a sidebar as it opens, less the icon, shows eight letters; more end in dots."""
    layout = MagicMock()
    ISA_PT_delivery.draw(SimpleNamespace(layout=layout), bpy.context)
    words = [call.kwargs["text"] for call in layout.row().operator.call_args_list]
    assert len(words) == 3
    assert max(map(len, words)) <= 8
