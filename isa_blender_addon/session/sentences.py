"""The panel's two sentences: what is wrong, and what else there is to say."""

from collections.abc import Callable

from isa_engine.errors import EngineError, IsaError

from ..language.remark import Remark, remark
from ..language.translation import told
from .reading.readiness import staging


class Sentences:
    """The last of each; another one takes its place.

    Args:
        engine_state: what an engine's error depends on, as ``about`` of ``remark``.
    """

    def __init__(self, engine_state: Callable):
        self._error = self._note = Remark()
        self._engine_state = engine_state

    def error(self, scene) -> str:
        """What is wrong with a scene; empty if nothing is."""
        return self._error.shown(scene)

    def note(self, scene) -> str:
        """What else there is to say of it."""
        return self._note.shown(scene)

    def say(self, text: str, scene=None, about: Callable | None = None) -> None:
        """
        Args:
            scene, about: as of ``remark``.
        """
        self._note = remark(text, scene, about)

    def complain(self, text: str, scene=None, about: Callable | None = None) -> None:
        """
        Args:
            scene, about: as of ``remark``.
        """
        self._error = remark(text, scene, about)

    def fail(self, error: IsaError, scene=None) -> None:
        """Complain until it is mended.

        Args:
            scene: that it is about, unless it is about the engine; None: it is about the open file.
        """
        if isinstance(error, EngineError):
            self.complain(told(error), about=self._engine_state)
        else:
            self.complain(told(error), scene, staging if scene else None)

    def forget(self) -> None:
        self._error = self._note = Remark()

    def forget_error(self) -> None:
        self._error = Remark()

    def forget_note(self) -> None:
        self._note = Remark()

    def forget_scenes(self) -> None:
        """Forget what was said of scenes: those of another file may have the same numbers."""
        self._error, self._note = (
            said if said.scene is None else Remark() for said in (self._error, self._note)
        )
