"""Where on this system the user's own data for the engine lies."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def data_folder(
    platform: str = sys.platform, environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Path:
    """The user's own data folder for the engine, where this system keeps such things."""
    home = home or Path.home()
    if platform == "win32":
        base = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        # The XDG specification: a relative path is invalid and is to be ignored.
        chosen = Path(environment.get("XDG_DATA_HOME", ""))
        base = chosen if chosen.is_absolute() else home / ".local" / "share"
    return base / "isa-engine"
