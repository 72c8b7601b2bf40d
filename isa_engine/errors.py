"""Errors that a person can act on: what went wrong, where, and what to do about it."""

from collections.abc import Callable
from typing import Any, Self


class IsaError(Exception):
    """A failure with a remedy.

    Args:
        problem: the thing that is wrong, named ("Character 'Anna' has no reference picture").
        where: the place ("frame 12", "cast.npz, field 'fps'"); empty when the problem already says it.
        remedy: what to do next ("Choose a picture in the cast list").
        values: for the ``{placeholders}`` of these texts, so that the texts can be looked up in a dictionary.
            Without values a text is plain, and a brace in it a brace.

    ``str(error)`` is the one sentence that the panel, the command line and the service all show:
    "problem (where). remedy".
    """

    def __init__(self, problem: str, *, where: str = "", remedy: str = "", **values: object):
        self._texts, self._values = (problem, where, remedy), values
        self.problem, self.where, self.remedy = self._filled(str)
        super().__init__(self.told(str))

    @classmethod
    def of_parts(cls, parts: Any) -> Self:
        """The error of which another process has told the ``parts``.

        Raises:
            KeyError, TypeError: it has told something else.
        """
        problem, where, remedy = (str(parts[name]) for name in ("problem", "where", "remedy"))
        return cls(problem, where=where, remedy=remedy)

    @property
    def parts(self) -> dict[str, str]:
        """JSON-ready, with the names that refusals over HTTP have (``protocol.Refusal``)."""
        return {"problem": self.problem, "where": self.where, "remedy": self.remedy}

    def told(self, look_up: Callable[[str], str]) -> str:
        """The sentence in another language.

        Args:
            look_up: gives a text, its placeholders still in it, in that language.
        """
        problem, where, remedy = self._filled(look_up)
        sentence = problem
        if where:
            # What is wrong comes first: of a place, often a long path, a narrow panel shows nothing else. Two
            # parentheses side by side would read like a mistake.
            problem = problem.rstrip(".")
            sentence = f"{problem}, {where}" if problem.endswith(")") else f"{problem} ({where})"
        return f"{sentence.rstrip('.')}. {remedy}".strip() if remedy else sentence

    def _filled(self, look_up: Callable[[str], str]) -> list[str]:
        texts = [text and look_up(text) for text in self._texts]
        return [text.format(**self._values) for text in texts] if self._values else texts


def reason(error: BaseException) -> str:
    """What went wrong, in the words of an error that is not ours; of the system's without its number and the
    path, which the place of ours names."""
    return getattr(error, "strerror", None) or str(error) or repr(error)


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a GPU.

    torch need not be imported to tell: its error for a GPU is known by its name, and on a CPU it raises a
    bare RuntimeError that names its allocator.
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator" in str(error)
    )


class ShotError(IsaError):
    """A shot, or a shot file, that does not make sense or does not fit its limits."""


class SceneError(IsaError):
    """A Blender scene from which no shot can be made."""


class BodyError(IsaError):
    """A body model or motion file that cannot be read."""


class DataError(IsaError):
    """A data set, a sample of one, or footage for one that cannot be used."""


class ModelError(IsaError):
    """Weights or a configuration that cannot be used."""


class EngineError(IsaError):
    """The engine is absent, unreachable, or failed at its work."""


class Cancelled(Exception):
    """Raised at a progress report to stop the work; not a failure."""
