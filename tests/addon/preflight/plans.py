"""What is planned for an engine, before a frame is read."""

from isa_blender_addon.preflight.cost import Work
from isa_blender_addon.preflight.limits import Plan
from isa_engine.models import describe, names


def plan(model="isa-tiny", frames=25, **known) -> Plan:
    others = tuple(describe(name) for name in names() if name != model)
    known = {"longest": frames, "fps": 12.0, "other_models": others, **known}
    return Plan(describe(model), Work(frames, (1280.0, 720.0), 2, 30, 2.0), 10, 2, **known)
