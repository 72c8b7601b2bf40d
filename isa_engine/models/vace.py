"""Wan-VACE: open weights that are steered by pictures, added to a machine by hand."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from isa_engine.configuration.policies import asked
from isa_engine.cost import wan
from isa_engine.cost.generation import Work
from isa_engine.cost.products import operations
from isa_engine.errors import ModelError
from isa_engine.geometry.frames import latent_count
from isa_engine.models.added import Added, added, added_names
from isa_engine.models.kind import HERE, MISSING, Kind

# Bytes of the process itself, before any model.
_PROCESS = 0.6 * 2**30
_FLOAT = 4


@dataclass(frozen=True)
class VACE:
    """The ``Description`` of an added folder of weights.

    Attributes:
        shape: the sizes of its networks.
        bytes: of all its files of weights.
    """

    name: str
    state: str
    licence: str
    shape: wan.Shape
    bytes: int
    kind = "vace"
    # Both sizes of the model were trained on these.
    short_side, max_frames, longest, fps = 480, 81, 81, 16.0
    points, people = 0, None
    joints, prompted = True, True

    @property
    def multiple(self) -> int:
        return self.shape.side * self.shape.patch[1]

    @property
    def size(self) -> float:
        return self.bytes

    def operations(self, work: Work) -> dict[str, int]:
        """As of ``Description``, of the transformer alone: the autoencoder and the text encoder run once, and
        are little beside its steps."""
        step = sum(operations(wan.transformer(self.shape, self._tokens(work))).values())
        times = asked(work.policy, work.steps).told
        return {"denoise": times * step * (1 if work.guidance == 1 else 2)}

    def memory(self, work: Work) -> float:
        return _PROCESS + self.bytes + self.memory_beside(work)

    def memory_beside(self, work: Work) -> float:
        return _FLOAT * wan.floats_beside(self.shape, self._tokens(work))

    def facts(self) -> dict[str, Any]:
        found = asdict(self)
        del found["name"]
        return found

    def _tokens(self, work: Work) -> int:
        """Tokens of the video and of the cast's reference pictures, each of which is a latent frame more."""
        frames, side = latent_count(work.frames) + work.characters, self.shape.side
        return wan.tokens(self.shape, frames, work.height // side, work.width // side)


def names() -> Iterable[str]:
    return tuple(name for name in added_names("vace") if describe(name) is not None)


def describe(name: str) -> VACE | None:
    found = added(name)
    if found is None or found.kind != "vace":
        return None
    try:
        return described(name, found)
    except (KeyError, TypeError, ValueError):
        return None


def described(name: str, found: Added) -> VACE:
    """
    Raises:
        KeyError, TypeError, ValueError: the folder's configurations make no sense.
    """
    size = sum(file.bytes for file in found.files.values())
    return VACE(name, HERE if found.whole() else MISSING, found.licence, wan.Shape.of(found.configs), size)


def told(name: str, facts: dict[str, Any]) -> VACE:
    try:
        shape = dict(facts["shape"])
        found = VACE(name, **{**facts, "shape": wan.Shape(**{**shape, "patch": tuple(shape["patch"])})})
        sensible = found.state in (HERE, MISSING) and isinstance(found.licence, str)
        if sensible and type(found.bytes) is int and found.bytes >= 0:
            return found
    except (KeyError, TypeError, ValueError):
        pass
    raise ModelError(f"what is told of '{name}' makes no sense")


KIND = Kind(names, describe, told, "isa_engine.pipeline.vace.painter")
