"""Build the Blender extension: the add-on, with the engine's torch-free part as a wheel inside.

usage: .venv/bin/python install/build_extension.py     writes dist/isa_blender_addon-VERSION.zip

Blender wants the manifest beside the add-on's ``__init__.py`` and Python packages as wheels, so a folder of
that shape is staged, and Blender's own ``blender_ext.py`` builds and validates it. Works offline.
"""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Blender generates nothing: the weights stay with the engine.
LEFT_OUT = shutil.ignore_patterns("__pycache__", "weights")


def main() -> int:
    try:
        extension = build(ROOT, ROOT / "dist")
    except BuildError as error:
        print(f"build_extension: {error}", file=sys.stderr)
        return 1
    print(f"Built {extension} ({extension.stat().st_size / 2**20:.1f} MB).")
    print("Drop the file into Blender's window, or: Edit ▸ Preferences ▸ Get Extensions ▸ Install from Disk.")
    return 0


class BuildError(Exception):
    """Why there is no extension, in one sentence."""


def build(root: Path, dist: Path) -> Path:
    """Build the extension of the checkout ``root`` into the folder ``dist`` and return the file.

    Raises:
        BuildError: a part is missing, the versions disagree, or Blender refuses the result.
    """
    manifest_path = root / "blender_manifest.toml"
    try:
        text = manifest_path.read_text(encoding="utf-8")
        manifest = tomllib.loads(text)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BuildError(f"cannot read {manifest_path}: {error}") from error
    dist.mkdir(exist_ok=True)
    extension = dist / f"{manifest['id']}-{manifest['version']}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        staged = Path(scratch) / "extension"
        shutil.copytree(root / "isa_blender_addon", staged, ignore=LEFT_OUT)
        wheel = engine_wheel(root, Path(scratch) / "engine", staged / "wheels")
        version = wheel.name.split("-")[1].partition("+")[0]
        if version != manifest["version"]:
            raise BuildError(
                f"blender_manifest.toml says version {manifest['version']}, "
                f"isa_engine/__init__.py says {version}. Give both the same."
            )
        (staged / "blender_manifest.toml").write_text(with_wheel(text, wheel.name), encoding="utf-8")
        shutil.copy(root / "LICENSE", staged)
        blender_ext("build", "--source-dir", staged, "--output-filepath", extension)
    blender_ext("validate", extension)
    return extension


def engine_wheel(root: Path, source: Path, wheels: Path) -> Path:
    """The wheel of ``isa_engine`` without its weights, built by hatchling alone.

    Blender unpacks no wheel over one of the same version: today's extension, installed over yesterday's,
    would keep yesterday's engine. So what the wheel holds is part of its version, behind a plus.
    """
    shutil.copytree(root / "isa_engine", source / "isa_engine", ignore=LEFT_OUT)
    for name in ("README.md", "LICENSE"):
        shutil.copy(root / name, source)
    init = (source / "isa_engine" / "__init__.py").read_text(encoding="utf-8")
    named = re.search(r'^__version__ = "(.+)"$', init, re.MULTILINE)
    if named is None:
        raise BuildError(f'{root / "isa_engine" / "__init__.py"} has no line __version__ = "…". Give it one.')
    project, version = (root / "pyproject.toml").read_text(encoding="utf-8"), named.group(1)
    project = project.replace('dynamic = ["version"]', f'version = "{version}+{digest(source)}"')
    (source / "pyproject.toml").write_text(project, encoding="utf-8")
    if importlib.util.find_spec("hatchling") is None:
        raise BuildError("hatchling is missing. Run install/test.sh, or pip install hatchling.")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels], cwd=source)
    (wheel,) = wheels.glob("*.whl")
    return wheel


def digest(folder: Path) -> str:
    """Of what a folder's files hold, in so few characters that a version may have them."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(folder).as_posix()} {len(content)} ".encode() + content)
    # A letter first: of digits alone, zeros in front would go.
    return f"b{whole.hexdigest()[:12]}"


def with_wheel(manifest: str, wheel: str) -> str:
    """The manifest with the wheel declared; a key must stand before the first table."""
    lines = manifest.splitlines()
    table = next((n for n, line in enumerate(lines) if line.startswith("[")), len(lines))
    lines.insert(table, f'wheels = ["./wheels/{wheel}"]\n')
    return "\n".join(lines) + "\n"


def blender_ext(*arguments: str | Path) -> None:
    """Blender's own tool for extensions, which works without the application."""
    modules = Path(sysconfig.get_path("purelib")) / "bpy"
    tools = sorted(modules.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not tools:
        raise BuildError("Blender's Python module is missing. Run install/test.sh, or pip install bpy.")
    run([sys.executable, tools[-1], *arguments])


def run(command: list, cwd: Path | None = None) -> None:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}".rstrip())


if __name__ == "__main__":
    sys.exit(main())
