"""What is stopped, or cut short by a full disk, leaves nothing behind."""

from types import SimpleNamespace

import bpy
import pytest

from isa_blender_addon.background import begin, making
from isa_blender_addon.headless import generate as batch
from isa_blender_addon.preferences.folders import backgrounds_folder
from isa_blender_addon.session.current import close, session
from isa_blender_addon.session.generating import generate, read
from isa_blender_addon.session.session import Session
from isa_engine.errors import Cancelled, SceneError
from tests.addon.background.making import leftovers, made, painted, shot_of, steered_by_depth
from tests.addon.plates import write_movie
from tests.addon.scenes.snapshot import snapshot
from tests.full_disk import room_for
from tests.movies import read_video
from tests.service.running import eventually

pytestmark = pytest.mark.usefixtures("addon")


def test_generate_sends_it_and_escape_ends_it(staged, tmp_path, monkeypatch):
    scene, sent = staged, []
    scene.isa.background = "RENDER"
    monkeypatch.setattr(Session, "start_engine", lambda self: None)
    monkeypatch.setattr(Session, "submit", lambda self, _scene, shot, _take: sent.append(shot))
    reading = generate(session(), scene)
    eventually(lambda: reading.step() and reading.progress[0] == "background", "it is painted")
    process = reading._background._process
    assert process.poll() is None
    before = snapshot()
    reading.close()
    assert process.poll() is not None
    assert not session().busy
    assert (leftovers(), snapshot()) == ([], before)

    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    scene.isa.background = "FOOTAGE"
    scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    reading = generate(session(), scene, anyway=True)
    while reading.step():
        pass
    (shot,) = sent
    assert len(read_video(shot.background, 3, (64, 64))) == 3
    close()


def test_a_farms_command_that_is_stopped_leaves_nothing(staged):
    staged.isa.background = "RENDER"
    reading = read(session(), staged, lambda _: "")
    stop = SimpleNamespace(is_set=lambda: reading.progress[0] == "background")
    with pytest.raises(Cancelled):
        batch.follow_reading(reading, stop)
    close()
    assert leftovers() == []


@pytest.mark.parametrize(("kind", "spoiled"), [("RENDER", r"00000\.png"), ("FOOTAGE", r"background\.mp4")])
def test_what_a_full_disk_cuts_short_is_said_and_not_kept(staged, tmp_path, monkeypatch, kind, spoiled):
    """Blender itself says nothing where no more of a file can be written."""
    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    staged.isa.background = kind
    staged.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    blender = making._blender()
    with monkeypatch.context() as patch:
        patch.setattr(making, "_blender", lambda: ["prlimit", "--fsize=1500", *blender])
        with pytest.raises(SceneError, match=f"cannot be made: .*No space left on device: .*{spoiled}"):
            painted(staged)
    assert not list(backgrounds_folder().glob("*.mp4"))
    assert painted(staged).std() > 10


def test_depth_that_a_full_disk_cuts_short_is_said(staged, monkeypatch):
    staged.isa.background, staged.frame_end = "RENDER", 1
    shot, blender = steered_by_depth(staged), making._blender()
    # The pictures are smaller than the depth of one of them.
    monkeypatch.setattr(making, "_blender", lambda: ["prlimit", "--fsize=3000", *blender])
    with pytest.raises(SceneError, match=r"cannot be made: .*No space left on device.*depth"):
        made(staged, shot)
    assert list(backgrounds_folder().glob("*")) == []


def test_a_disk_that_is_full_at_the_beginning_is_said(staged, monkeypatch):
    staged.isa.background = "RENDER"
    shot = shot_of(staged)
    with room_for(10), pytest.raises(SceneError, match=r"cannot be begun: [^:]*\. Free some space in /"):
        begin(staged, shot, 1.0)
    assert leftovers() == []
