"""The real service with a worker that paints without a network; the seed decides what a job does.

One that is ``HELD`` goes on when a file ``go`` lies in its folder, or the file that FAKE_GO names is there.
FAKE_PACE: seconds a step takes, each with a preview.

usage: as tests/service/stub_engine.py
"""

import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
from PIL import Image

from isa_engine.errors import EngineError
from isa_engine.geometry.frames import latent_count
from isa_engine.results.record import sha256
from isa_engine.service.work import worker
from isa_engine.shot import write_shot
from tests.service.roles import play

COMMAND = (__file__, "serve", "--port", "0", "--stop-with-stdin")
PACE = float(os.environ.get("FAKE_PACE", 0))
GO = Path(os.environ.get("FAKE_GO", ""))
FAST, ENDLESS, REFUSED, DYING, HELD = range(5)


def load_model(name: str) -> SimpleNamespace:
    return SimpleNamespace(name=name, device="fake")


def generate(shot, _model, out: Path, report, **_) -> None:
    kind, steps = shot.settings.seed, shot.settings.steps
    for step in range(1, steps + 1):
        time.sleep(PACE)
        level = 255 * step // steps
        preview = Image.new("RGB", (shot.settings.width, shot.settings.height), (level, level, 128))
        report(SimpleNamespace(phase="denoise", step=step, steps=steps, preview=preview if PACE else None))
    while kind == ENDLESS:
        report(SimpleNamespace(phase="denoise", step=1, steps=steps, preview=None))
        time.sleep(0.01)
    while kind == HELD and not any(file.is_file() for file in (GO, out.parent / "go")):
        report(SimpleNamespace(phase="denoise", step=1, steps=steps, preview=None))
        time.sleep(0.01)
    if kind == REFUSED:
        raise EngineError("this shot is not to my taste", remedy="Stage another")
    died = out.parent / "died"
    if kind == DYING and not died.exists():
        # The service, and this worker with it.
        died.touch()
        os.kill(os.getppid(), signal.SIGKILL)
    for name in ("plate.mp4", "matte.mp4"):
        paint(out / name, shot)
    write_shot(shot, out / "shot.npz")
    record = {"notes": ["painted without a network"], "model": {"weights": "painted"}}
    record["shot"] = {"sha256": sha256(out / "shot.npz")}
    (out / "record.json").write_text(json.dumps(record))
    np.save(out / "latents.npy", np.zeros((4, latent_count(shot.frames), 2, 2), np.float32))


def paint(path: Path, shot) -> None:
    """Every scene frame brighter than the one before."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=shot.fps)
        stream.width, stream.height = shot.settings.width, shot.settings.height
        for level in np.linspace(20, 230, shot.frame_numbers[-1] - shot.frame_numbers[0] + 1):
            picture = np.full((shot.settings.height, shot.settings.width, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    play(lambda: worker.main(load_model, generate), __file__)
