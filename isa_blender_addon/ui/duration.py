"""How long something will take, in round numbers."""

from ..language.translation import words


def duration(seconds: float) -> str:
    """About so many seconds, to stand behind a button's word."""
    if seconds < 90:
        return words(" · about {seconds} s", seconds=max(10 * round(seconds / 10), 10))
    minutes = seconds / 60
    if minutes < 90:
        return words(" · about {minutes:.0f} min", minutes=minutes)
    return words(" · about {hours:.0f} h", hours=minutes / 60)
