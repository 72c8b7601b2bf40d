"""The kind that this engine trains itself: ISA-DiT on VideoVAE's latents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isa_engine.configuration import MODELS, ModelConfig, model_config, weights_folder
from isa_engine.configuration.limits import limits_of
from isa_engine.configuration.policies import PRESETS, Preset
from isa_engine.cost import generation, memory
from isa_engine.cost.generation import Work
from isa_engine.cost.products import Product
from isa_engine.errors import ModelError
from isa_engine.geometry.tiles import Tile
from isa_engine.models.kind import HERE, MAX_DETAIL, UNTRAINED, Kind, Way, memory_apart

_FLOAT = 4
# Bytes of a transformer's weights below which it is not worth having them elsewhere than on the device.
_LARGE = 2**30
# A frame of 8 to 1 has so many at the most Detail. A shot from elsewhere may ask for any number, and listing
# them takes time and memory.
_MOST_TILES = 256


@dataclass(frozen=True)
class ISA:
    """The ``Description`` of a named configuration."""

    config: ModelConfig
    state: str
    kind, licence = "isa", ""
    longest, fps = None, None
    controls, steering, painted = (), (), ()
    prompted, one_by_one, lays_over, shared = False, False, True, True
    detail = MAX_DETAIL

    @property
    def presets(self) -> Mapping[str, Preset]:
        return PRESETS

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def people(self) -> int | None:
        limits = limits_of(self.name)
        return limits and limits.people

    @property
    def short_side(self) -> int:
        return self.config.short_side

    @property
    def multiple(self) -> int:
        return self.config.multiple

    @property
    def max_frames(self) -> int:
        return self.config.max_frames

    @property
    def points(self) -> int:
        return self.config.dit.points

    @property
    def size(self) -> float:
        return self.config.dit.layers * self.config.dit.width**2

    def tiles(self, width: int, height: int) -> Sequence[Tile]:
        rows, columns = (side // self.config.vae.spatial_compression for side in (height, width))
        count = self.config.tile_count(rows, columns)[0]
        return self.config.tiles(rows, columns) if 1 < count <= _MOST_TILES else ()

    def operations(self, work: Work) -> dict[str, int]:
        return generation.generation(self.config, work)

    def tokens(self, work: Work) -> dict[str, int]:
        return generation.tokens(self.config, work)

    def step(self, work: Work) -> list[Product]:
        return generation.step(self.config, work)

    def ways(self, work: Work, device: str) -> tuple[Way, ...]:
        whole, weights = memory.memory(self.config, work), generation.weight_count(self.config)["dit"]
        if not memory_apart(device):
            return (Way("whole", whole),)
        # There the transformer's lie in 16 bits.
        kept = weights * _FLOAT / 2
        whole -= kept
        if kept < _LARGE:
            return (Way("whole", whole),)
        # One layer comes after the other; the widest is of the feed-forward, four times as wide inside.
        least = whole - kept + 2 * 4 * self.config.dit.width**2
        moved = kept * generation.passes(self.config, work)
        return Way("whole", whole), Way("offloaded", least, moved, ("dit",))

    def lighter(self) -> None:
        """As of ``Description``: it is not added by hand."""

    def memory_beside(self, work: Work) -> float:
        return memory.memory_beside(self.config, work)

    def facts(self) -> dict[str, Any]:
        return {"state": self.state}


def names() -> Iterable[str]:
    return tuple(MODELS)


def describe(name: str) -> ISA | None:
    """The description of a model or a variant ("isa-tiny-controlnet-2d"); None for another name."""
    try:
        return ISA(model_config(name), HERE if weights_folder(name) is not None else UNTRAINED)
    except ModelError:
        return None


def told(name: str, facts: dict[str, Any]) -> ISA:
    if facts.get("state") not in (HERE, UNTRAINED):
        raise ModelError(f"nothing is known of the weights of '{name}'")
    return ISA(model_config(name), facts["state"])


KIND = Kind(names, describe, told, "isa_engine.pipeline.isa.painter", trained_here=True)
