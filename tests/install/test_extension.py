"""The extension that an artist drops into Blender."""

import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from build_extension import BuildError, build, engine_wheel

ROOT = Path(__file__).resolve().parents[2]
# Numpy and requests are Blender's own.
LARGEST = 12 * 2**20


def names_and_manifest(extension: Path) -> tuple[list[str], dict]:
    with zipfile.ZipFile(extension) as archive:
        return archive.namelist(), tomllib.loads(archive.read("blender_manifest.toml").decode())


def test_it_holds_the_whole_add_on_and_the_engine_as_a_wheel(extension):
    names, manifest = names_and_manifest(extension)
    assert extension.name == f"isa_blender_addon-{manifest['version']}.zip"
    (wheel,) = manifest["wheels"]
    assert wheel.startswith(f"./wheels/isa_engine-{manifest['version']}+b")
    assert {wheel.removeprefix("./"), "__init__.py", "LICENSE"} <= set(names)
    addon = ROOT / "isa_blender_addon"
    sources = {str(path.relative_to(addon)) for path in addon.rglob("*.py")}
    assert sources <= set(names)


def test_it_holds_no_weights_and_no_rubbish(extension):
    names, manifest = names_and_manifest(extension)
    with zipfile.ZipFile(extension) as archive:
        wheel = zipfile.ZipFile(io.BytesIO(archive.read(manifest["wheels"][0].removeprefix("./"))))
    inside = wheel.namelist()
    needed = {"shot/file.py", "client/engine_client.py", "body/model/open_body.npz"}
    assert {f"isa_engine/{name}" for name in needed} <= set(inside)
    for name in names + inside:
        assert not name.endswith((".pyc", ".safetensors", ".pt", ".blend1"))
        assert "weights" not in name.split("/")
    assert extension.stat().st_size < LARGEST


def checkout(folder: Path) -> Path:
    for name in ("isa_engine", "isa_blender_addon"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    for name in ("blender_manifest.toml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_versions_that_disagree_are_refused(tmp_path):
    root = checkout(tmp_path)
    init = root / "isa_engine" / "__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', '__version__ = "9'))
    with pytest.raises(
        BuildError, match=r"blender_manifest.toml says version .*isa_engine/__init__.py says 9"
    ):
        build(root, tmp_path / "dist")
    assert not list((tmp_path / "dist").iterdir())


def test_a_wheel_of_the_same_version_has_another_name_where_the_engine_is_another(tmp_path):
    """Else Blender keeps the one that it has unpacked, and today's add-on meets yesterday's engine."""
    root, wheels = checkout(tmp_path / "checkout"), []
    for change in ("", "", "# changed\n"):
        path = root / "isa_engine" / "address.py"
        path.write_text(path.read_text() + change)
        wheels.append(
            engine_wheel(root, tmp_path / str(len(wheels)), tmp_path / f"{len(wheels)}.wheels").name
        )
    assert wheels[0] == wheels[1] != wheels[2]


def test_blenders_own_rules_are_kept(tmp_path):
    root = checkout(tmp_path)
    manifest = root / "blender_manifest.toml"
    manifest.write_text(manifest.read_text().replace('tagline = "', 'tagline = "' + "far too long " * 6))
    with pytest.raises(BuildError, match="tagline"):
        build(root, tmp_path / "dist")


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(BuildError, match=str(tmp_path / "blender_manifest.toml")):
        build(tmp_path, tmp_path / "dist")


INSTALL = """
import os, sys
import bpy
module = "bl_ext.user_default.isa_blender_addon"
install = bpy.ops.extensions.package_install_files
assert install(repo="user_default", filepath=sys.argv[1], enable_on_install=True) == {"FINISHED"}
assert module in bpy.context.preferences.addons, "the add-on did not register"
import isa_engine
print("ENGINE", isa_engine.__file__)
print("FOREIGN", sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[2].split())))
assert bpy.types.Scene.bl_rna.properties.get("isa") and bpy.types.ISA_PT_generate
import addon_utils
for _ in range(2):
    addon_utils.disable(module, default_set=True)
    assert not hasattr(bpy.types.Scene, "isa")
    addon_utils.enable(module, default_set=True)
addon_utils.disable(module, default_set=True)
print("DONE")
sys.stdout.flush()
os._exit(0)
"""


def test_blender_installs_it_and_registers_it_more_than_once(extension, tmp_path):
    # -S and the packages' folder by hand: without the checkout that development puts on the path.
    environment = {
        **os.environ,
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "BLENDER_USER_RESOURCES": str(tmp_path / "blender"),
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", INSTALL, extension, "torch av PIL fastapi diffusers"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert "DONE" in done.stdout, done.stdout + done.stderr
    assert f"ENGINE {tmp_path / 'blender'}" in done.stdout
    assert "FOREIGN []" in done.stdout
    assert "Error" not in done.stderr
