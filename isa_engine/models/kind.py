"""What every model says of itself, so that no other module has to ask of which kind it is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from isa_engine.configuration.policies import POLICIES, Preset
from isa_engine.cost.generation import Work
from isa_engine.cost.products import Product
from isa_engine.geometry.tiles import Tile
from isa_engine.shot.validation import MAX_GUIDANCE, MAX_STEPS

# The most tiles along the shorter side of a canvas that an artist can ask for.
MAX_DETAIL = 4
# How a model's weights stand: they are on the machine; files of theirs are gone; nobody has trained any yet.
HERE, MISSING, UNTRAINED = STATES = "here", "missing", "untrained"


@dataclass(frozen=True)
class Way:
    """How a loaded model lies in a device's memory; the pictures are the same in each.

    Attributes:
        name: in plain words.
        bytes: the most in use on the device at any time, the work's own included.
        moved: bytes that come from the machine's memory to the device during the work.
        offloaded: the parts that lie in the machine's memory and come when they are run.
    """

    name: str
    bytes: float
    moved: float = 0
    offloaded: tuple[str, ...] = ()


def memory_apart(device: str) -> bool:
    """Whether a device has memory of its own, beside the machine's, from which parts of a model may come.

    Args:
        device: torch's name ("cuda:0"), or several names separated by commas, of which the first counts; "":
            not known, and taken for a GPU.
    """
    return device.partition(",")[0].partition(":")[0] not in ("cpu", "mps")


def makes_sense(preset: Preset) -> bool:
    """Of one from a file or another machine: whether its values are such as a shot may have."""
    return (
        isinstance(preset.model, str)
        and type(preset.steps) is int
        and 1 <= preset.steps <= MAX_STEPS
        and preset.policy in [*POLICIES]
        and type(preset.guidance) in (int, float)
        and 0 <= preset.guidance <= MAX_GUIDANCE
        and type(preset.detail) is int
        and 1 <= preset.detail <= MAX_DETAIL
    )


class Steered(Protocol):
    """What pictures steer.

    Attributes:
        controls: the pictures of the shot that can steer it, by their names in ``controls.CONTROLS``.
        steering: those of them of which a shot chooses one (``shot.Settings``), the usual one first.
        painted: those of them, likewise, that may say where people are painted.
    """

    @property
    def controls(self) -> tuple[str, ...]: ...
    @property
    def steering(self) -> tuple[str, ...]: ...
    @property
    def painted(self) -> tuple[str, ...]: ...


class Description(Steered, Protocol):
    """What is known of a model without loading it, and without torch; what steers it, too. It can be hashed.

    Attributes:
        name: by which shots ask for it.
        kind: a key of ``models.KINDS``.
        state: one of ``STATES``: how its weights stand on the machine that the description is from.
        licence: of its weights, in a few words; empty where it is the engine's own.
        short_side: pixels of the shorter side of the canvas that it is made for.
        detail: how many tiles along the shorter side of a larger canvas than its own it may paint
            (``geometry.tiles``); 1: it paints none in tiles.
        multiple: pixels of which both sides of a canvas must be multiples.
        max_frames: frames of the longest take that was measured, or trained on.
        longest: the most frames without a cut that it takes; None: any number.
        fps: frames a second that it was trained on; None: it does not matter.
        people: how many people at once it was measured to keep apart; None: nobody has measured it.
        points: how many of a character's surface points it reads; 0: none.
        prompted: whether it reads prompts.
        one_by_one: whether it can paint people one after the other (``shot.Settings``).
        lays_over: whether its plate is laid over the background's own pixels, of which there may then be more
            than the canvas has (``shot.Settings``).
        shared: whether several devices or nodes can make a take together.
        presets: how it is asked, by the names of ``configuration.policies.PRESETS``, all of them.
        size: a number that is larger for larger models, to sort models of a kind.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def short_side(self) -> int: ...
    @property
    def detail(self) -> int: ...
    @property
    def multiple(self) -> int: ...
    @property
    def max_frames(self) -> int: ...
    @property
    def longest(self) -> int | None: ...
    @property
    def fps(self) -> float | None: ...
    @property
    def people(self) -> int | None: ...
    @property
    def points(self) -> int: ...
    @property
    def prompted(self) -> bool: ...
    @property
    def one_by_one(self) -> bool: ...
    @property
    def lays_over(self) -> bool: ...
    @property
    def shared(self) -> bool: ...
    @property
    def presets(self) -> Mapping[str, Preset]: ...
    @property
    def size(self) -> float: ...

    def tiles(self, width: int, height: int) -> Sequence[Tile]:
        """The tiles in which it sees a canvas of so many pixels; none where it sees it whole, or where there
        are more than anybody paints."""
        ...

    def operations(self, work: Work) -> dict[str, int]:
        """Floating point operations of each phase of a generation, as ``pipeline.Progress`` names them."""
        ...

    def tokens(self, work: Work) -> dict[str, int]:
        """How many tokens go through the network at a step, by what they are of."""
        ...

    def step(self, work: Work) -> Iterable[Product]:
        """The products of a denoising step, under the policy that computes everything."""
        ...

    def ways(self, work: Work, device: str) -> "tuple[Way, ...]":
        """How the model may lie in a device's memory, the fastest first.

        Args:
            device: as of ``memory_apart``.
        """
        ...

    def lighter(self) -> "tuple[str, Description] | None":
        """An option of ``model add`` with which it takes less memory and paints about the same, and what it
        would be then; None: there is none, or it was added so."""
        ...

    def memory_beside(self, work: Work) -> float:
        """Bytes that the work takes beside the loaded model."""
        ...

    def facts(self) -> dict[str, Any]:
        """JSON-ready: what another machine needs to make the same description (``Kind.told``)."""
        ...


def steered_by(model: Steered, steering: str, painted: str) -> tuple[str, ...]:
    """The pictures that steer a model where these are chosen of those that it can choose of."""
    choices = *model.steering, *model.painted
    return tuple(name for name in model.controls if name in (steering, painted) or name not in choices)


@dataclass(frozen=True)
class Source:
    """Weights that their makers publish.

    Attributes:
        repository: of Hugging Face, owner and name.
        files: those that the model needs, as patterns of paths; what names the licence comes along.
    """

    repository: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """Models that work alike.

    Attributes:
        names: returns the names of those on this machine, the best to begin with first.
        describe: returns the description of a name; None for a name that is not of this kind.
        told: makes the description from a name and from the ``facts`` that another machine sent; raises
            ``ModelError`` where these make no sense.
        painter: the module that loads and runs them, which needs torch (``pipeline.painter``).
        trained_here: whether ``isa_engine.training`` makes them: what it measures of their networks can be
            measured again.
        adding: the module that looks through folders of weights of this kind, which a person has, and needs
            torch (``pipeline.open_weights.adding``); empty: none can be added.
        sources: those of them that can be fetched, by the names that they get.
    """

    names: Callable[[], Iterable[str]]
    describe: Callable[[str], Description | None]
    told: Callable[[str, dict[str, Any]], Description]
    painter: str
    trained_here: bool = False
    adding: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)
