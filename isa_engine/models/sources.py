"""Models with open weights that can be fetched by name: where their makers publish them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A repository on Hugging Face that holds a model.

    Attributes:
        repository: owner and name.
        gib: how much room its files take, about, in GiB.
    """

    repository: str
    gib: float


SOURCES = {
    "wan-vace-1.3b": Source("Wan-AI/Wan2.1-VACE-1.3B-diffusers", 19),
    "wan-vace-14b": Source("Wan-AI/Wan2.1-VACE-14B-diffusers", 75),
}
