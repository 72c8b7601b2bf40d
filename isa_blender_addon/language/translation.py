"""Texts in the artist's language.

Blender looks up labels, descriptions and plain texts by itself. A text with values in it is looked up here
before they are filled in, for no dictionary has "Frames 1–25".
"""

from bpy.app.translations import pgettext_iface, pgettext_rpt

from isa_engine.errors import IsaError


def words(text: str, **values) -> str:
    """A text of the interface, its ``{placeholders}`` filled in."""
    return pgettext_iface(text).format(**values)


def said(text: str, **values) -> str:
    """The same for a report: what the artist is told has happened."""
    return pgettext_rpt(text).format(**values)


def told(error: BaseException) -> str:
    """What an error says; one that is not the project's own says it in its own words."""
    return error.told(pgettext_rpt) if isinstance(error, IsaError) else str(error)


def whole(text: str) -> str:
    """A text as it begins a line; a plain one is looked up as a whole."""
    text = pgettext_iface(text)
    first = text.split(maxsplit=1)[0] if text else ""
    # An address, a file's or a model's name is spelled as it is.
    return text[:1].upper() + text[1:] if first.rstrip(",:").isalpha() else text


def reported(error: RuntimeError) -> str:
    """What a call of Blender's reported first, less the word before it."""
    return str(error).strip().partition("\n")[0].removeprefix("Error: ")


def in_words(size: int) -> str:
    """Bytes, as a person says them."""
    if size < 1e6:
        return words("{size:.0f} KB", size=size / 1e3)
    if size < 1e9:
        return words("{size:.0f} MB", size=size / 1e6)
    return words("{size:.1f} GB", size=size / 1e9)
