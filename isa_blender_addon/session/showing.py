"""What a scene shows of its plate follows its settings at once."""

from isa_engine.errors import IsaError

from ..plate.view import show_in_view
from ..settings.changes import forget, when_changed
from ..takes.shown import show_again
from .current import session


def _kinds(scene) -> None:
    try:
        show_again(scene)
    except IsaError as error:
        session().fail(error, scene)


def _view(scene) -> None:
    show_in_view(scene, scene.isa.view, scene.isa.opacity)


def register() -> None:
    when_changed("plate", _kinds)
    when_changed("view", _view)


def unregister() -> None:
    forget("plate")
    forget("view")
