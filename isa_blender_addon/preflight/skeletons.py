"""Characters without a skeleton, for models that are steered by one."""

from isa_engine.shot import Shot

from .finding import Finding, show


def check_skeletons(shot: Shot) -> list[Finding]:
    """Who would be painted without being told how they stand."""
    text = "{name} has no bones with known names: {model} is not shown how they stand."
    frame = int(shot.frame_numbers[0])
    return [
        Finding(text, {"name": each.name, "model": shot.settings.model}, (show(frame, each.name),))
        for each in shot.characters
        if each.skeleton is None
    ]
