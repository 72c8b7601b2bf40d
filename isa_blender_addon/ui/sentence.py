"""Text that wraps: a label of Blender's is one line."""

import textwrap

from bpy.app.translations import pgettext_iface


def sentence(context, layout, text: str, icon: str = "NONE") -> None:
    """A text in as many lines as the sidebar is narrow; a plain one is looked up as a whole."""
    width = context.region.width if context.region else 280
    scale = context.preferences.system.ui_scale or 1.0
    characters = int(width / (7 * scale)) - (4 if icon == "NONE" else 8)
    column = layout.column(align=True)
    column.scale_y = 0.8
    text = pgettext_iface(text)
    first = text.split(maxsplit=1)[0] if text else ""
    # An address, a file's or a model's name is spelled as it is.
    if first.rstrip(",:").isalpha():
        text = text[:1].upper() + text[1:]
    for number, line in enumerate(textwrap.wrap(text, max(characters, 20))):
        indent = "BLANK1" if icon != "NONE" else "NONE"
        column.label(text=line, translate=False, icon=indent if number else icon)
