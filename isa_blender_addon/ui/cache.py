"""The cache in the preferences."""

from ..cache.cleaning import cleaning
from ..cache.measuring import measuring
from ..language.translation import in_words, words
from ..preferences.choices import sections
from ..preferences.folders import cache_folder


def draw_cache(layout, chosen) -> None:
    """Where it is, how large, and the broom."""
    layout.prop(chosen, "cache", placeholder=str(cache_folder()))
    sizes = measuring.sizes()
    row = layout.row()
    if cleaning.going_on or sizes is None:
        row.label(text="Cleaning up" if cleaning.going_on else "Measuring", icon="SORTTIME")
    else:
        text = words(
            "Takes of unsaved files: {takes}. Backgrounds: {backgrounds}.",
            takes=in_words(sizes.takes),
            backgrounds=in_words(sizes.backgrounds),
        )
        row.label(text=text, icon="DISK_DRIVE")
    row.operator("isa.clean_cache", icon="BRUSH_DATA")
    if cleaning.said:
        layout.label(text=cleaning.said)


def register() -> None:
    sections.append(draw_cache)


def unregister() -> None:
    sections.remove(draw_cache)
