"""The whole command on a scene that joins six traps: the right shot leaves, and its plate comes back."""

import bpy
import pytest

from isa_blender_addon.plate.camera_plane import planes
from isa_engine.client.protocol import RESULTS
from isa_engine.shot import read_shot
from tests.addon.headless.test_generate import engine, run  # noqa: F401  fixtures
from tests.addon.scenes.renderer import assert_as_rendered
from tests.addon.scenes.traps import CUTS, SHOWN, stage_six_traps

pytestmark = pytest.mark.usefixtures("addon")


def test_the_command_generates_what_the_renderer_draws(scene, rendered, run, tmp_path):  # noqa: F811
    stage_six_traps(scene, tmp_path)
    scene.isa.steps = 2
    frames = rendered(range(1, 13))
    bpy.ops.wm.save_mainfile()
    picture = tmp_path / "anna.png"
    status, output, errors = run(tmp_path / "out", "--seed", 0, "--reference", picture, "--anyway")
    assert (status, errors) == (0, ""), output
    assert {file.name for file in (tmp_path / "out").iterdir()} >= {*RESULTS, "shot-plate.blend"}
    shot = read_shot(tmp_path / "out" / "shot.npz")
    assert_as_rendered(shot, frames, partly={"A"})
    assert shot.cuts == CUTS
    assert [character.visible.sum() for character in shot.characters] == SHOWN
    assert shot.references == (picture.read_bytes(),)

    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "shot-plate.blend"))
    scene = bpy.context.scene
    assert planes(scene)
    (path,) = {member.picture for member in scene.isa.cast}
    with open(bpy.path.abspath(path), "rb") as file:
        assert file.read() == picture.read_bytes()
