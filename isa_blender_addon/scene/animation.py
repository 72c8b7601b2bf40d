"""The curves and drivers that move a data-block's properties, in every version of Blender's actions."""

import bpy


def moving(owner) -> list:
    """The curves and drivers that move an owner's properties."""
    animation = owner.animation_data
    return [] if animation is None else [*animation.drivers, *curves_of(animation)]


def curves_of(animation):
    """The curves of an owner's action and of the strips on its NLA tracks."""
    actions = {animation.action, *(strip.action for t in animation.nla_tracks for strip in t.strips)}
    for action in actions - {None}:
        if bpy.app.version < (4, 4):
            yield from action.fcurves
            continue
        for layer in action.layers:
            for strip in layer.strips:
                for channels in strip.channelbags:
                    yield from channels.fcurves
