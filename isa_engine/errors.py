"""Errors that a person can act on: what went wrong, where, and what to do about it."""


class IsaError(Exception):
    """A failure with a remedy.

    Args:
        problem: the thing that is wrong, named ("Character 'Anna' has no reference picture").
        where: the place ("frame 12", "cast.npz, field 'fps'"); empty when the problem already says it.
        remedy: what to do next ("Choose a picture in the cast list").

    ``str(error)`` is the one sentence that the panel, the command line and the service all show.
    """

    def __init__(self, problem: str, *, where: str = "", remedy: str = ""):
        self.problem, self.where, self.remedy = problem, where, remedy
        sentence = f"{where}: {problem}" if where else problem
        super().__init__(f"{sentence.rstrip('.')}. {remedy}".strip() if remedy else sentence)


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
