"""Wan-VACE: open weights that are steered by pictures, added to this machine by hand."""

from collections.abc import Iterable
from dataclasses import dataclass

from isa_engine.configuration.policies import asked
from isa_engine.cost import wan
from isa_engine.cost.generation import Work
from isa_engine.cost.products import operations
from isa_engine.geometry.frames import latent_count
from isa_engine.models.added import Added, added, added_names
from isa_engine.models.kind import Kind

# Bytes of the process itself, before any model.
_PROCESS = 0.6 * 2**30
_FLOAT = 4


@dataclass(frozen=True)
class VACE:
    """The ``Description`` of an added folder of weights."""

    name: str
    added: Added
    kind = "vace"
    # Both sizes of the model were trained on these.
    short_side, max_frames = 480, 81
    points = 0

    @property
    def trained(self) -> bool:
        return self.added.whole()

    @property
    def side(self) -> int:
        """Pixels to a latent pixel's side."""
        return 2 ** len(self.added.configs["vae"]["temperal_downsample"])

    @property
    def multiple(self) -> int:
        return self.side * self.added.configs["transformer"]["patch_size"][1]

    @property
    def size(self) -> float:
        return sum(file.bytes for file in self.added.files.values())

    def operations(self, work: Work) -> dict[str, int]:
        """As of ``Description``, of the transformer alone: the autoencoder and the text encoder run once, and
        are little beside its steps."""
        step = sum(
            operations(wan.transformer(self.added.configs["transformer"], self._tokens(work))).values()
        )
        times = asked(work.policy, work.steps).told
        return {"denoise": times * step * (1 if work.guidance == 1 else 2)}

    def memory(self, work: Work) -> float:
        return _PROCESS + self.size + self.memory_beside(work)

    def memory_beside(self, work: Work) -> float:
        return _FLOAT * wan.floats_beside(self.added.configs["transformer"], self._tokens(work))

    def _tokens(self, work: Work) -> int:
        """Tokens of the video and of the cast's reference pictures, each of which is a latent frame more."""
        frames = latent_count(work.frames) + work.characters
        config = self.added.configs["transformer"]
        return wan.tokens(config, frames, work.height // self.side, work.width // self.side)


def names() -> Iterable[str]:
    return added_names("vace")


def describe(name: str) -> VACE | None:
    found = added(name)
    return VACE(name, found) if found is not None and found.kind == "vace" else None


KIND = Kind(names, describe, "isa_engine.pipeline.vace.painter")
