"""Text that wraps: a label of Blender's is one line."""

import textwrap

import blf

from ..language.translation import whole

# Pixels of a button's height, where the interface is not scaled.
_BUTTON = 20
# Letters of a text that stay, however narrow the sidebar is.
_LEAST = 8


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


def drawn_width(context, text: str) -> float:
    """Of a text as it is drawn, in heights of a button (``UILayout.ui_units_x``)."""
    # Both are drawn as many times as large as the interface is scaled.
    blf.size(0, context.preferences.ui_styles[0].widget.points)
    return blf.dimensions(0, text)[0] / _BUTTON


def units(context) -> float:
    """How wide the sidebar is, in heights of a button."""
    width = context.region.width if context.region else 280
    return width / (_BUTTON * (context.preferences.system.ui_scale or 1.0))


def both_ends(context, text: str, room: float) -> str:
    """A text that is drawn no wider than so many heights of a button; only its middle is left out, never the
    number at its end."""
    shown, letters = text, len(text)
    while drawn_width(context, shown) > room and letters > _LEAST:
        letters -= 1
        head = letters // 2
        shown = f"{text[:head]}…{text[len(text) - (letters - head) :]}"
    return shown
