"""The demo, step by step: stage a scene, generate its plate, show both in one picture.

Runs in the engine's Python; Blender's part runs in a real Blender where one is on PATH (4.2 or newer), else
in Blender's Python module.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import av
from PIL import Image, ImageDraw

from isa_engine.errors import EngineError
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import make_folder

HERE = Path(__file__).resolve().parent
SHEET_WIDTH = 1920


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", action=GivenPath, default=HERE.parent / "out" / "demo")
    parser.add_argument("--steps", type=int, help="of denoising (default: the scene's)")
    parser.add_argument("--detail", type=int, help="tiles along the shorter side (default: the scene's)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    try:
        make_folder(out)
    except EngineError as error:
        raise SystemExit(f"demo: {error}") from error
    began = time.monotonic()

    blender = RealBlender(out) if real_blender() else BlenderModule(out)
    step(1, f"Stage two characters under a moving camera ({blender.name})")
    staged = out / "staged.blend"
    blender.script("demo_scene.py", "stage", staged)

    step(2, "Generate the plate")
    options = ["--seed", arguments.seed]
    for name in ("steps", "detail"):
        value = getattr(arguments, name)
        options += [f"--{name}", value] if value is not None else []
    blender.generate(staged, out, options)
    (out / "staged-plate.blend").replace(out / "demo.blend")
    for leftover in out.glob("staged.blend*"):
        leftover.unlink()

    step(3, "Put both in one picture")
    renders = out / "renders"
    shutil.rmtree(renders, ignore_errors=True)
    blender.script("demo_scene.py", "render", out / "demo.blend", renders)
    contact_sheet(sorted(renders.glob("*.png")), out / "plate.mp4").save(out / "preview.png")
    shutil.rmtree(renders)

    print(f"\nDone in {time.monotonic() - began:.0f} s. Open these:")
    print(f"  {out / 'preview.png'}   the scene, the plate, and both overlaid")
    print(f"  {out / 'demo.blend'}    in Blender: look through the camera and scrub")
    print(f"  {out / 'plate.mp4'}, {out / 'matte.mp4'}")
    return 0


def step(number: int, what: str) -> None:
    print(f"\033[1m[{number}/3] {what}\033[0m", flush=True)


def real_blender() -> bool:
    """Whether a Blender that can install the extension is on PATH."""
    if not shutil.which("blender"):
        return False
    answer = subprocess.run(["blender", "--version"], capture_output=True, text=True).stdout
    version = re.search(r"Blender (\d+)\.(\d+)", answer)
    return bool(version) and tuple(map(int, version.groups())) >= (4, 2)


class BlenderModule:
    """Blender as the Python module that setup has put beside the engine."""

    name = "Blender's Python module"

    def __init__(self, out: Path):
        self.log = out / "blender.log"
        self.environment = {"ISA_ENGINE_PYTHON": sys.executable, "PYTHONPATH": str(HERE.parent)}

    def script(self, script: str, *arguments) -> None:
        run([sys.executable, HERE / script, *arguments], self.environment, self.log)

    def generate(self, blend: Path, out: Path, options: list) -> None:
        command = [sys.executable, "-m", "isa_blender_addon.batch", blend, "--out", out, *options]
        run(command, self.environment)


class RealBlender:
    """The artist's Blender, with the extension installed in a user folder of the demo's own."""

    name = "the Blender on PATH"

    def __init__(self, out: Path):
        self.log = out / "blender.log"
        self.environment = {
            "BLENDER_USER_RESOURCES": str(out / "blender-user"),
            "ISA_ENGINE_PYTHON": sys.executable,
        }
        shutil.rmtree(out / "blender-user", ignore_errors=True)
        run([sys.executable, HERE / "build_extension.py"], {}, self.log)
        extension = max((HERE.parent / "dist").glob("isa_blender_addon-*.zip"), key=os.path.getmtime)
        install = ["extension", "install-file", "-r", "user_default", "--enable", extension]
        run(["blender", "--command", *install], self.environment, self.log)

    def script(self, script: str, *arguments) -> None:
        command = ["blender", "--background", "--python-exit-code", "1", "--python", HERE / script, "--"]
        run([*command, *arguments], self.environment, self.log)

    def generate(self, blend: Path, out: Path, options: list) -> None:
        command = ["blender", "--background", blend, "--command", "isa_generate", "--out", out, *options]
        run(command, self.environment)


def run(command: list, environment: dict[str, str], log: Path | None = None) -> None:
    """Run to the end; what Blender says goes to the log, whose end is shown if it fails."""
    command = [str(part) for part in command]
    with open(log or os.devnull, "w") as file:
        said = {"stdout": file, "stderr": subprocess.STDOUT} if log else {}
        status = subprocess.run(command, env={**os.environ, **environment}, **said).returncode
    if status:
        tail = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:]) if log else ""
        raise SystemExit(f"{tail}demo: exit code {status} from: {' '.join(command)}")


def contact_sheet(renders: list[Path], plate: Path) -> Image.Image:
    """Rows: the scene, the plate, the cast over the plate. Columns: moments of the take.

    ``renders`` come in pairs, ``FRAME-cast.png`` (transparent) and ``FRAME-scene.png``, where FRAME counts
    the plate's frames from 0.
    """
    with av.open(str(plate)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
    moments = sorted({int(path.name.split("-")[0]) for path in renders})
    width = SHEET_WIDTH // len(moments)
    by_name = {path.name: Image.open(path).convert("RGBA") for path in renders}
    scene = by_name[f"{moments[0]:04}-scene.png"]
    height = round(width * scene.height / scene.width)
    sheet = Image.new("RGB", (width * len(moments), 3 * height), "black")
    for column, moment in enumerate(moments):
        size = (width, height)
        picture = frames[moment].convert("RGBA").resize(size, Image.Resampling.LANCZOS)
        cast = by_name[f"{moment:04}-cast.png"].resize(size, Image.Resampling.LANCZOS)
        rows = [by_name[f"{moment:04}-scene.png"].resize(size), picture, Image.alpha_composite(picture, cast)]
        for row, (label, image) in enumerate(zip(("scene", "plate", "both"), rows, strict=True)):
            sheet.paste(image.convert("RGB"), (column * width, row * height))
            ImageDraw.Draw(sheet).text((column * width + 6, row * height + 4), f"{label} · {moment + 1}")
    return sheet


if __name__ == "__main__":
    sys.exit(main())
