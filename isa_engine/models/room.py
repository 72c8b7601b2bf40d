"""Whether a model fits into the memory of a device, how it is kept there, and how long it takes then."""

from collections.abc import Mapping, Sequence

from isa_engine.configuration.policies import Preset
from isa_engine.cost.generation import Work
from isa_engine.models.kind import Description, Way
from isa_engine.shot import canvas_size

# An estimate fits if it takes no more than this share of a device's memory.
ROOM = 0.9
# Floating point operations a second that a kind of device is taken to do, until an earlier plate tells
# better.
_PACES = {"cpu": 5e10, "cuda": 1e14, "mps": 2e12}
# Bytes a second from a machine's memory to a GPU: PCIe 4.0 with 16 lanes reaches about half of its 32 GB/s.
_BANDWIDTH = 16e9
# Seconds of a processor's core for each pixel that a plate has beyond its canvas's: whatever the networks run
# on, skins are drawn there, and plate and matte laid over the background.
_LAID = 0.6e-6
# The aspect of the camera's frame where there is no scene to ask.
_SHAPE = 16, 9


def fitting(ways: Sequence[Way], memory: float) -> Way | None:
    """The fastest way that fits into a device with so many bytes of memory; None if none does."""
    return next((way for way in ways if way.bytes <= ROOM * memory), None)


def lighter_way(model: Description, work: Work, device: str, memory: float) -> tuple[str, Way] | None:
    """The option of ``model add`` with which more of a model fits into a device with so many bytes of memory,
    and how it would lie there; None: there is none, or nothing more fits."""
    if (other := model.lighter()) is None:
        return None
    option, light = other
    now, then = (fitting(each.ways(work, device), memory) for each in (model, light))
    # Ways are the same with it, the fastest first.
    order = [way.name for way in model.ways(work, device)]
    if then is None or (now is not None and order.index(then.name) >= order.index(now.name)):
        return None
    return option, then


def seconds(
    model: Description, work: Work, device: str, way: Way, paces: Mapping[str, float]
) -> dict[str, float]:
    """How many seconds each phase of a generation takes; empty if nothing is known of such a device.

    Args:
        device: torch's name ("cuda:0"), or several names separated by commas, of which the first counts.
        way: how the model lies in the device's memory; what is moved takes time too.
        paces: of an earlier plate of this model.
    """
    pace, phases = _PACES.get(device.partition(",")[0].partition(":")[0]), model.operations(work)
    if pace is None and not phases.keys() <= paces.keys():
        return {}
    told = {phase: count / paces.get(phase, pace) for phase, count in phases.items()}
    if "denoise" not in paces:
        told["denoise"] += way.moved / _BANDWIDTH
    if laid := _laid(work):
        told["decode"] += laid
    return told


def paces(model: Description, work: Work, spent: Mapping[str, float]) -> dict[str, float]:
    """Operations a second in each phase of a generation, moving included, by the seconds that it took."""
    found = {}
    for phase, count in model.operations(work).items():
        if phase in spent:
            laid = _laid(work) if phase == "decode" else 0
            # That is a guess: on a quicker machine it would be more than all.
            found[phase] = count / max(spent[phase] - laid, spent[phase] / 10)
    return found


def _laid(work: Work) -> float:
    """Seconds beyond those of a plate of the canvas's size."""
    return _LAID * work.frames * work.width * work.height * (work.plate_scale**2 - 1)


def longest_work(model: Description) -> Work:
    """The work of the longest take that a model is made for: one person, by the preset Final and on the
    canvas of its detail, or by Draft of a model that is there for that."""
    preset = usual_preset(model)
    size = canvas_size(*_SHAPE, model.short_side, model.multiple, min(preset.detail, model.detail))
    return Work(model.max_frames, *size, 1, preset.steps, preset.guidance, preset.rules)


def usual_preset(model: Description) -> Preset:
    """Final; of a model that is another's Draft, that."""
    final = model.presets["Final"]
    return model.presets["Draft"] if final.model else final
