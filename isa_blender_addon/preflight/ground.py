"""Feet in the air: a motion that was made for another height, or a character that was lifted with it."""

from collections.abc import Sequence

from .finding import Finding, Mend, show

# Metres that somebody is in the air on all frames that were looked at: shoes and rough ground lift people by
# less, and who leaps comes down.
IN_THE_AIR = 0.15


def check_ground(heights: Sequence[dict[str, float]], frame: int) -> list[Finding]:
    """Who is in the air on all of the frames that were looked at.

    Args:
        heights: of each such frame, of the cast by name (``scene.ground.heights``).
        frame: to show.
    """
    found = []
    for name in sorted(set.intersection(*map(set, heights))) if heights else ():
        lowest = min(each[name] for each in heights)
        if lowest <= IN_THE_AIR:
            continue
        text = "{name}'s feet are {height:.2f} m in the air all the time."
        down = Mend("Put on Ground", "isa.put_on_ground", {"character": name, "height": lowest})
        found.append(Finding(text, {"name": name, "height": lowest}, (down, show(frame, name))))
    return found
