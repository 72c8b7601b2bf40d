"""The whole shot of a scene at once."""

from isa_blender_addon.scene.capture import capture_frames


def capture_shot(scene, settings, *told):
    """The shot that ``capture_frames`` returns at its end."""
    frames = capture_frames(scene, settings, *told)
    while True:
        try:
            next(frames)
        except StopIteration as done:
            return done.value.shot
