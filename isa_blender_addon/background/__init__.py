"""What stands behind the generated people: a movie aligned to the shot's frames and camera."""

from .source import footage_numbers, footage_range
from .work import Work, begin, is_own_copy

__all__ = ["Work", "begin", "footage_numbers", "footage_range", "is_own_copy"]
