"""Shots of which a model can make no plate, and wishes that it cannot fulfil: refused before any work is
done."""

from collections.abc import Mapping

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
            remedy = f"Choose {' or '.join(known)}."
            raise ShotError(_not_steered(model, choice), where="settings", remedy=remedy)
    size = settings.width, settings.height
    if any(side % model.multiple for side in size):
        problem = f"a canvas of {size[0]} × {size[1]} pixels does not suit '{model.name}'"
        raise ShotError(problem, where="settings", remedy=f"Use multiples of {model.multiple}.")
    most = max(shot.segments)
    if model.longest is not None and most > model.longest:
        problem = f"{most} frames without a cut are too many for '{model.name}'"
        raise ShotError(problem, where="shot", remedy=f"It takes {model.longest} at most: shorten the take.")


def check_wishes(model: Description, wishes: Mapping[str, object]) -> None:
    """Refuse what a command line wishes of a model that cannot do it; in a shot it means nothing to such
    a model.

    Args:
        wishes: of settings' names; what is missing, None or false is no wish.

    Raises:
        ModelError: it names the option.
    """
    if wishes.get("one_by_one") and not model.one_by_one:
        problem = f"'{model.name}' cannot paint people one after the other"
        raise ModelError(problem, remedy="Use --no-one-by-one, or choose another --model.")
    for name in ("prompt", "negative_prompt"):
        if wishes.get(name) and not model.prompted:
            remedy = f"Leave out --{name.replace('_', '-')}, or choose another --model."
            raise ModelError(f"'{model.name}' reads no words", remedy=remedy)
    for name, known in (("steering", model.steering), ("painted", model.painted)):
        if (choice := wishes.get(name)) and choice not in known:
            remedy = f"Leave out --{name}, or choose another --model."
            raise ModelError(_not_steered(model, choice), remedy=remedy)
    if (wishes.get("plate_scale") or 1) > 1 and not model.lays_over:
        remedy = "Leave out --plate-scale, or choose another --model."
        raise ModelError(f"a plate of '{model.name}' has the pixels of its canvas", remedy=remedy)
    if (wishes.get("detail") or 1) > 1 == model.detail:
        remedy = "Leave out --detail, or choose another --model."
        raise ModelError(f"'{model.name}' does not paint in tiles", remedy=remedy)


def _not_steered(model: Description, choice: object) -> str:
    return f"'{model.name}' cannot be steered by '{choice}'"
