"""In which format Blender writes, in every version of it."""


def write_as(settings, media: str, file_format: str) -> None:
    """Set the format of the files that a render or a node writes; its medium is IMAGE or VIDEO."""
    if hasattr(settings, "media_type"):  # Blender 5
        settings.media_type = media
    settings.file_format = file_format
