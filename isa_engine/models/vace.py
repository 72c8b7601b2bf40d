"""Wan-VACE: open weights that are steered by pictures, added to a machine by hand."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from isa_engine.configuration.policies import PRESETS, Preset, asked
from isa_engine.cost import wan
from isa_engine.cost.generation import Work
from isa_engine.cost.products import Product, operations
from isa_engine.errors import ModelError
from isa_engine.geometry.frames import latent_count
from isa_engine.models.added import Added, Running, added, added_names
from isa_engine.models.kind import HERE, MISSING, Kind, Source, Way, makes_sense, memory_apart

# Bytes of the process itself, before any model.
_PROCESS = 0.6 * 2**30
# Bytes of a number on a GPU; on a processor it has twice as many.
_FLOAT = 2
# Latents of a context window, in which longer takes are made: 81 frames, as many as the model was trained on.
CONTEXT_WINDOW = 21
# So many of them are at least of frames that are finished: 17 of them, a second. From fewer it would hardly
# see who moves how; more cost more, a quarter of the work as it is.
KNOWN = 5
PARTS = "transformer", "vae", "text_encoder"
_FILES = (
    "model_index.json",
    "tokenizer/*",
    *(f"{part}/{name}" for part in PARTS for name in ("*.json", "*.safetensors")),
)
SOURCES = {
    "wan-vace-1.3b": Source("Wan-AI/Wan2.1-VACE-1.3B-diffusers", _FILES),
    "wan-vace-14b": Source("Wan-AI/Wan2.1-VACE-14B-diffusers", _FILES),
}
# Its makers' guidance, and their numbers of steps.
FULL = {"Draft": Preset(10, 5.0), "Final": Preset(30, 5.0), "Exact": Preset(50, 5.0)}
# Share of the text encoder's weights that its largest layer has: UMT5-XXL's table of 256,384 words.
_LARGEST_LAYER = 0.2


@dataclass(frozen=True)
class VACE:
    """The ``Description`` of an added folder of weights.

    Attributes:
        shape: the sizes of its networks.
        parameters: of each part.
        fp8: whether the transformer's weights are kept in 8 bits.
        cached: whether its blocks' answers are cached.
        presets: with the model that was added as its draft, or of which it is the draft.
    """

    name: str
    state: str
    licence: str
    shape: wan.Shape
    parameters: dict[str, int]
    fp8: bool
    cached: bool
    presets: dict[str, Preset]
    kind = "vace"
    # Both sizes of the model were trained on these.
    short_side, max_frames, fps = 480, 81, 16.0
    longest, detail = None, 1
    points, people = 0, None
    controls = "pose", "depth", "mask", "boxes"
    steering, painted = ("pose", "depth"), ("mask", "boxes")
    prompted, one_by_one, lays_over, shared = True, True, False, False

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def multiple(self) -> int:
        return self.shape.side * self.shape.patch[1]

    @property
    def size(self) -> float:
        return sum(self.parameters.values())

    def tiles(self, width: int, height: int) -> tuple[()]:
        return ()

    def operations(self, work: Work) -> dict[str, int]:
        """As of ``Description``, of the transformer alone: the autoencoder and the text encoder are little
        beside its steps. Nobody knows before which blocks a cache will skip: with one, these are the most."""
        branch = sum(operations(self._branch(work)).values())
        return {"denoise": _forward_passes(work) * branch}

    def tokens(self, work: Work) -> dict[str, int]:
        return {"video and references": sum(self._tokens(work)), "text": wan.TEXT_TOKENS}

    def step(self, work: Work) -> list[Product]:
        return self._branch(work) * (1 if work.guidance == 1 else 2)

    def ways(self, work: Work, device: str) -> tuple[Way, ...]:
        """As of ``Description``, on a GPU: numbers of 16 bits, the autoencoder's of 32."""
        transformer = self.parameters["transformer"] * (1 if self.fp8 else 2)
        text, vae = 2 * self.parameters["text_encoder"], 4 * self.parameters["vae"]
        # While a block is run the next one comes.
        blocks = 2 * transformer / (self.shape.layers + self.shape.controls)
        always = _PROCESS + vae + self.memory_beside(work)
        count, layer = len(self._tokens(work)), _LARGEST_LAYER * text
        words, passes = 2 * text * count, _forward_passes(work) * count
        ways = (
            Way("whole", always + transformer + text),
            Way("text encoder offloaded", always + transformer + layer, words, ("text_encoder",)),
            Way(
                "offloaded",
                always + max(blocks, layer),
                words + passes * transformer,
                ("text_encoder", "transformer"),
            ),
        )
        return ways if memory_apart(device) else ways[:1]

    def lighter(self) -> "tuple[str, VACE] | None":
        return None if self.fp8 else ("--fp8", replace(self, fp8=True))

    def memory_beside(self, work: Work) -> float:
        branches = (1 if work.guidance == 1 else 2) if self.cached else 0
        return _FLOAT * wan.floats_beside(self.shape, max(self._tokens(work)), branches)

    def facts(self) -> dict[str, Any]:
        found = asdict(self)
        del found["name"]
        return found

    def _branch(self, work: Work) -> list[Product]:
        """The products of a forward pass over every part."""
        return [each for count in self._tokens(work) for each in wan.transformer(self.shape, count)]

    def _tokens(self, work: Work) -> list[int]:
        """Tokens of each part, and of the reference pictures of whom it paints, each of which is a latent
        frame more."""
        people, passes = work.characters, 1
        if work.one_by_one and people > 1:
            people, passes = 1, people
        spans = [
            span
            for made in work.segments
            for span in context_windows((made.first, made.last), latent_count(made.frames))
        ]
        side, latents = self.shape.side, [last - first + people for first, last in spans] * passes
        return [wan.tokens(self.shape, count, work.height // side, work.width // side) for count in latents]


def _forward_passes(work: Work) -> int:
    """How often the transformer is run over each part, on all steps together."""
    counts = asked(work.policy, work.steps)
    return counts.told + (0 if work.guidance == 1 else counts.nobody)


def context_windows(made: tuple[int, int], latents: int) -> list[tuple[int, int]]:
    """The parts of a segment in which a span of its latents is made, one after the other; ``[first, last)``
    each.

    They overlap by ``KNOWN`` latents at least, and are as long as the segment allows: a shorter one is
    further from what the model was trained on.

    Args:
        made: the span.
        latents: of the segment.
    """
    most = max(0, latents - CONTEXT_WINDOW)
    begins = [min(max(0, made[0] - KNOWN), most)]
    while begins[-1] + CONTEXT_WINDOW < made[1]:
        begins.append(min(begins[-1] + CONTEXT_WINDOW - KNOWN, most))
    return [(begin, min(begin + CONTEXT_WINDOW, latents)) for begin in begins]


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
    state, shape = HERE if found.whole() else MISSING, wan.Shape.of(found.configs)
    presets = presets_of(name, found.running)
    fp8, cached = found.running.fp8, found.running.cache > 0
    return VACE(name, state, found.licence, shape, found.parameters, fp8, cached, presets)


def presets_of(name: str, running: Running) -> dict[str, Preset]:
    """A draft's own preset is Draft, the others are those of the model whose draft it is; that one's Draft is
    the draft's."""
    own = running.few_steps
    if running.draft_of:
        draft = Preset(own, 1.0) if own else FULL["Draft"]
        others = {preset: replace(FULL[preset], model=running.draft_of) for preset in ("Final", "Exact")}
        return {"Draft": draft, **others}
    for other in added_names("vace"):
        theirs = added(other).running
        if theirs.draft_of == name:
            return {**FULL, "Draft": replace(presets_of(other, theirs)["Draft"], model=other)}
    return FULL


def told(name: str, facts: dict[str, Any]) -> VACE:
    try:
        shape = dict(facts["shape"])
        presets = {preset: Preset(**how) for preset, how in facts["presets"].items()}
        shape = wan.Shape(**{**shape, "patch": tuple(shape["patch"])})
        found = VACE(name, **{**facts, "shape": shape, "presets": presets})
        counts = [count for count in found.parameters.values() if type(count) is int and count > 0]
        words = found.state in (HERE, MISSING) and isinstance(found.licence, str)
        known = presets.keys() == PRESETS.keys() and all(map(makes_sense, presets.values()))
        whole = found.parameters.keys() == {*PARTS} and len(counts) == 3
        if words and known and whole and type(found.fp8) is type(found.cached) is bool:
            return found
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    raise ModelError(f"what is told of '{name}' makes no sense")


KIND = Kind(
    names,
    describe,
    told,
    "isa_engine.pipeline.vace.painter",
    adding="isa_engine.pipeline.vace.adding",
    sources=SOURCES,
)
