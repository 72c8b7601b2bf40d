"""The artist's clip planes are for the viewport: they do not change the video."""

import numpy as np

from isa_engine.pipeline import generate
from isa_engine.shot import Settings
from tests.addon.scenes.cast import stage
from tests.addon.scenes.shot import capture_shot
from tests.movies import read_video
from tests.pipeline.shots import MICRO, speaking

SETTINGS = Settings(model="micro", width=48, height=32, steps=2)


def test_the_cameras_clip_planes_leave_the_video_unchanged(scene, tmp_path):
    stage(scene)
    scene.frame_end = 5
    model = speaking(MICRO)

    def video(name: str) -> np.ndarray:
        plate = generate(capture_shot(scene, SETTINGS), model, tmp_path / name, lambda progress: None).plate
        return read_video(plate.read_bytes(), 5, (48, 32)).astype(int)

    before = video("before")
    scene.camera.data.clip_start, scene.camera.data.clip_end = 3.0, 3.5
    assert np.array_equal(video("clipped"), before)
    scene.camera.data.lens *= 2
    assert np.abs(video("zoomed") - before).max() > 8
