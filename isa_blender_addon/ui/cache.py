"""The cache in the preferences."""

from ..cache import cleaning, measuring
from ..folders import cache_folder


def draw_cache(layout, chosen) -> None:
    """Where it is, how large, and the broom."""
    layout.prop(chosen, "cache", placeholder=str(cache_folder()))
    sizes = measuring.sizes()
    row = layout.row()
    if cleaning.going_on or sizes is None:
        row.label(text="Cleaning up" if cleaning.going_on else "Measuring", icon="SORTTIME")
    else:
        words = (
            f"Takes of unsaved files: {in_words(sizes.takes)}. Backgrounds: {in_words(sizes.backgrounds)}."
        )
        row.label(text=words, icon="DISK_DRIVE")
    row.operator("isa.clean_cache", icon="BRUSH_DATA")
    if cleaning.said:
        layout.label(text=cleaning.said)


def in_words(size: int) -> str:
    """Bytes, as a person says them."""
    if size < 1e6:
        return f"{size / 1e3:.0f} KB"
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"
