"""A folder with results as a plate."""

import bpy
import pytest

from tests.addon.scenes.cast import add_camera

pytestmark = pytest.mark.usefixtures("addon")


def test_a_folder_that_holds_no_results_is_said(scene, tmp_path):
    add_camera(scene)
    with pytest.raises(RuntimeError, match=r"shot\.npz"):
        bpy.ops.isa.import_results(directory=str(tmp_path))
