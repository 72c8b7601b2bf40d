"""Shots of which a model can make no plate, refused before any work is done."""

from isa_engine.errors import ModelError, ShotError
from isa_engine.models.kind import MISSING, Description
from isa_engine.shot import Shot


def check(model: Description, shot: Shot) -> None:
    """Refuse a shot that the model cannot generate.

    Raises:
        ModelError: files of the model are gone.
        ShotError: it cannot be steered so, the canvas does not suit it, or there are too many frames without
            a cut.
    """
    if model.state == MISSING:
        remedy = "Put them back on the engine's machine, or add the model again there."
        raise ModelError(f"files of the model '{model.name}' are missing", remedy=remedy)
    settings = shot.settings
    for choice, known in ((settings.steering, model.steering), (settings.painted, model.painted)):
        if known and choice not in known:
            problem = f"'{model.name}' cannot be steered by '{choice}'"
            raise ShotError(problem, where="settings", remedy=f"Choose {' or '.join(known)}.")
    size = settings.width, settings.height
    if any(side % model.multiple for side in size):
        problem = f"a canvas of {size[0]} × {size[1]} pixels does not suit '{model.name}'"
        raise ShotError(problem, where="settings", remedy=f"Use multiples of {model.multiple}.")
    most = max(shot.segments)
    if model.longest is not None and most > model.longest:
        problem = f"{most} frames without a cut are too many for '{model.name}'"
        raise ShotError(problem, where="shot", remedy=f"It takes {model.longest} at most: shorten the take.")
