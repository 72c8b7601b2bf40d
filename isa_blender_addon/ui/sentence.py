"""Text that wraps: a label of Blender's is one line."""

import textwrap

from ..language.translation import whole


def sentence(context, layout, text: str, icon: str = "NONE") -> None:
    """A text in as many lines as the sidebar is narrow."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(whole(text), characters(context, icon))):
        indent = "BLANK1" if icon != "NONE" else "NONE"
        column.label(text=line, translate=False, icon=indent if number else icon)


def characters(context, icon: str = "NONE") -> int:
    """About how many a line of the sidebar has room for, beside an icon."""
    width = context.region.width if context.region else 280
    scale = context.preferences.system.ui_scale or 1.0
    return max(int(width / (7 * scale)) - (4 if icon == "NONE" else 8), 20)


def both_ends(text: str, room: int) -> str:
    """A text of so many characters at most, of which only the middle is left out."""
    if len(text) <= room:
        return text
    head = (room - 1) // 2
    return f"{text[:head]}…{text[len(text) - (room - 1 - head) :]}"
