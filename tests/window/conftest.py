"""A real Blender with its window on a virtual screen, the extension, and an engine for it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.addon import fake_engine
from tests.service.running import RunningEngine

ROOT = Path(__file__).resolve().parents[2]
SCREEN = (1280, 1024)


class WindowedBlender:
    """Blender in a chroot, or the one on PATH; its user folder is the test's own.

    Attributes:
        folder: where the test and Blender exchange files, as the test sees it.
        version: such as "5.2.2".
    """

    def __init__(self, root: Path | None):
        self.root = root
        self.folder = Path(tempfile.mkdtemp(prefix="isa-window-", dir=root / "tmp" if root else None))
        (self.folder / "xdg").mkdir(mode=0o700)
        self.version = re.search(r"Blender (\S+)", self.run("--version")).group(1)

    def inside(self, path: Path) -> str:
        """The path as Blender sees it."""
        return f"/{path.relative_to(self.root)}" if self.root else str(path)

    def run(self, *arguments: str, screen: bool = False, timeout: float = 120) -> str:
        """Run Blender to its end and return what it printed; the test fails where Blender does."""
        here = self.inside(self.folder)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": here,
            "TMPDIR": here,
            "XDG_RUNTIME_DIR": f"{here}/xdg",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "BLENDER_USER_RESOURCES": f"{here}/user",
        }
        command = ["chroot", str(self.root)] if self.root else []
        if screen:
            size = "x".join(map(str, SCREEN))
            command += ["xvfb-run", "-a", "-s", f"-screen 0 {size}x24 -nolisten tcp"]
        process = subprocess.Popen(
            [*command, "blender", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            pytest.fail(f"Blender did not end within {timeout} s:\n{output}")
        if process.returncode:
            pytest.fail(f"Blender ended with {process.returncode}:\n{output}")
        return output

    def install(self, extension: Path) -> None:
        shutil.copy(extension, self.folder)
        install = ("extension", "install-file", "-r", "user_default", "--enable")
        self.run("--command", *install, f"{self.inside(self.folder)}/{extension.name}")

    def play(self, script: str, timeout: float, size: tuple[int, int] = SCREEN) -> dict:
        """Run a script that acts as the artist, in a window that takes its events; the report it leaves.

        Its pictures of the screen, and the report, are kept in ``out/window``.

        Args:
            size: of the window.
        """
        here = Path(__file__).parent
        for file in (script, "stagehand.py"):
            shutil.copy(here / file, self.folder)
        folder = self.inside(self.folder)
        window = ("--window-geometry", "0", "0", *map(str, size))
        play = ("--python-exit-code", "5", "--python", f"{folder}/{script}", "--", folder)
        try:
            self.run("--enable-event-simulate", *window, *play, screen=True, timeout=timeout)
        finally:
            pictures = ROOT / "out" / "window"
            pictures.mkdir(parents=True, exist_ok=True)
            for picture in self.folder.glob("*.png"):
                shutil.copy(picture, pictures / f"{self.version}-{picture.name}")
        report = (self.folder / "report.json").read_text()
        (pictures / f"{self.version}-{Path(script).stem}.json").write_text(report)
        return json.loads(report)


def find_blender() -> Path | None:
    """The chroot that holds a Blender, or None for the one on PATH; skips where there is neither."""
    named = os.environ.get("ISA_BLENDER_CHROOT")
    for root in [Path(named)] if named else sorted((ROOT / ".cache").glob("blender-*")):
        if (root / "usr/bin/blender").exists():
            if os.geteuid() != 0:
                pytest.skip(f"the Blender in {root} needs root")
            if not (root / "proc/self").exists():
                pytest.skip(f"{root} is not mounted; repeat install/blender_window.sh")
            return root
    missing = [tool for tool in ("blender", "xvfb-run", "import") if not shutil.which(tool)]
    if missing:
        pytest.skip(
            f"no {', '.join(missing)} here; install/blender_window.sh installs a Blender and a screen"
        )
    answer = subprocess.run(["blender", "--version"], capture_output=True, text=True).stdout
    version = re.search(r"Blender (\d+)\.(\d+)", answer)
    if not version or tuple(map(int, version.groups())) < (4, 2):
        pytest.skip("the Blender on PATH is older than 4.2")
    return None


@pytest.fixture
def blender() -> Iterator[WindowedBlender]:
    blender = WindowedBlender(find_blender())
    yield blender
    shutil.rmtree(blender.folder)


@pytest.fixture
def extension(tmp_path) -> Path:
    from build_extension import build

    return build(ROOT, tmp_path)


@pytest.fixture
def engine(blender, tmp_path) -> Iterator[dict]:
    """An engine on this machine, which Blender must not share: its ``url``, ``token`` and ``data`` folder."""
    serve = [
        "-m",
        "isa_engine.cli",
        "serve",
        "--port",
        "0",
        "--stop-with-stdin",
        "--data",
        tmp_path / "engine",
    ]
    process = subprocess.Popen(
        [sys.executable, *serve], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield {**json.loads(process.stdout.readline()), "data": tmp_path / "engine"}
    finally:
        process.stdin.close()
        process.wait(60)


@pytest.fixture
def painter(blender, tmp_path) -> Iterator[RunningEngine]:
    """An engine that paints grey, half a second a step; jobs end once ``go`` is in Blender's folder."""
    wishes = {"FAKE_PACE": "0.5", "FAKE_GO": str(blender.folder / "go")}
    command = (fake_engine.__file__, "serve")
    engine = RunningEngine(tmp_path / "engine", "--stop-with-stdin", command=command, **wishes)
    yield engine
    engine.end()
