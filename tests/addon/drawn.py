"""What the artist reads in a panel."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy


def drawn(cls) -> list[str]:
    """The words of a panel, with all that there is to say."""
    bpy.context.window_manager.isa_messages = True
    layout = MagicMock()
    for name in ("row", "column", "box"):
        getattr(layout, name).return_value = layout
    cls.draw(SimpleNamespace(layout=layout), bpy.context)
    return [
        call.kwargs.get("text", "")
        for call in (*layout.label.call_args_list, *layout.progress.call_args_list)
    ]
