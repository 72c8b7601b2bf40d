"""What stands behind the generated people: a movie aligned to the shot's frames and camera."""

from .making import Making, begin, is_own_copy
from .source import footage_files, footage_numbers, footage_range, quick_samples

__all__ = [
    "Making",
    "begin",
    "footage_files",
    "footage_numbers",
    "footage_range",
    "is_own_copy",
    "quick_samples",
]
