"""What is known of a take lies beside its plate, and comes back from there; nothing here needs Blender."""

import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_blender_addon.takes.files import FILE, PREVIEW, discard_folder
from isa_blender_addon.takes.take import Take, address, read_take, read_takes
from isa_engine.client.protocol import RESULTS
from isa_engine.errors import IsaError, SceneError
from isa_engine.geometry.frames import Made
from isa_engine.shot import Settings, encode_shot
from tests.full_disk import room_for
from tests.shot.shots import small_shot


def take_in(folder: Path, **changes) -> Take:
    folder.mkdir(parents=True, exist_ok=True)
    return Take(folder, "f" * 32, "käse 'n\" wine.blend", "場面", (1, 9, 2), Settings(seed=7), **changes)


def results_in(folder: Path) -> None:
    for name in RESULTS:
        (folder / name).write_text("here")


def test_a_take_comes_back_as_it_was_kept(tmp_path):
    take = take_in(tmp_path / "a b", state="sent", job="0" * 32, engine="gpu:8000", pinned=True)
    take = replace(take, made=(Made(5, 1, 2),))
    take.keep()
    assert read_take(take.folder) == take
    assert list(take.frame_numbers) == [1, 3, 5, 7, 9]


def test_a_folder_that_was_moved_is_still_the_take(tmp_path):
    take_in(tmp_path / "old").keep()
    (tmp_path / "old").rename(tmp_path / "new")
    assert read_take(tmp_path / "new").folder == tmp_path / "new"


def test_takes_are_found_oldest_first_and_other_folders_are_left_alone(tmp_path):
    for name, created in (("c", 1.0), ("a", 2.0), ("b", 3.0)):
        take_in(tmp_path / name, created=created).keep()
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    assert [take.name for take in read_takes(tmp_path)] == ["c", "a", "b"]
    assert read_takes(tmp_path / "gone") == []


def test_results_that_came_just_before_blender_ended_are_a_plate(tmp_path):
    take = take_in(tmp_path / "take", state="sent", job="0" * 32)
    take.keep()
    results_in(take.folder)
    assert read_take(take.folder).state == "done"
    (take.folder / "matte.mp4").unlink()
    assert read_take(take.folder).state == "sent"


def test_the_shot_is_kept_and_sent_from_there(tmp_path):
    take = take_in(tmp_path / "take")
    take.keep_shot(small_shot())
    assert take.read_shot() == encode_shot(small_shot())
    (take.folder / "shot.npz").unlink()
    with pytest.raises(SceneError, match="Generate it again"):
        take.read_shot()


def test_a_full_disk_leaves_what_was_known(tmp_path):
    take = take_in(tmp_path / "take")
    take.keep()
    with room_for(10), pytest.raises(IsaError, match="Free some space"):
        replace(take, pinned=True).keep()
    assert read_take(take.folder) == take


def test_discarding_a_take_leaves_what_others_have_put_beside_it(tmp_path):
    take = take_in(tmp_path / "take")
    take.keep()
    results_in(take.folder)
    (take.folder / PREVIEW).touch()
    (take.folder / ".arriving-1").mkdir()
    (take.folder / ".arriving-1" / "plate.mp4").touch()
    (take.folder / "notes.txt").write_text("mine")
    discard_folder(take.folder)
    assert [file.name for file in take.folder.iterdir()] == ["notes.txt"]
    (take.folder / "notes.txt").unlink()
    discard_folder(take.folder)
    assert not take.folder.exists()


@pytest.mark.parametrize(
    "spoiled",
    [
        {"version": 99},
        {"frames": [1, 9, 0]},
        {"frames": [1, 10**12, 1]},
        {"frames": [1, math.inf, 1]},
        {"frames": [9, 1, 1]},
        {"frames": [10**12, 10**12, 1]},
        {"settings": {"seed": 10**30}},
        {"settings": {"plate_scale": 0}},
        {"settings": {"plate_scale": 5}},
        {"settings": {"plate_scale": 2.0}},
        {"place": 10**400},
        {"state": "stolen"},
        {"key": "two\nlines"},
        {"key": "k" * 200},
        {"job": "../../etc/passwd"},
        {"created": math.nan},
        {"pinned": "yes"},
        {"made": [[5, 0]]},
        {"made": [[5, 1, 1]]},
        {"made": [[5, 0, 3]]},
        {"made": [[5, 0, 2]] * 2},
        {"made": [[10**12, 0, 2]]},
        {"made": [[5.0, 0, 2]]},
        {"made": 3},
        {"settings": {"model": 3}},
        {"folder": "/"},
        {"unknown": 1},
    ],
)
def test_a_file_that_makes_no_sense_is_no_take(tmp_path, spoiled):
    take = take_in(tmp_path / "take")
    take.keep()
    content = json.loads((take.folder / FILE).read_text())
    (take.folder / FILE).write_text(json.dumps({**content, **spoiled}))
    assert read_take(take.folder) is None


def test_a_damaged_file_hides_its_own_take_and_no_other(tmp_path):
    for name in ("a", "b", "c", "d"):
        take_in(tmp_path / name).keep()
    content = json.loads((tmp_path / "b" / FILE).read_text())
    (tmp_path / "b" / FILE).write_text(json.dumps({**content, "frames": [1, math.inf, 1]}))
    (tmp_path / "c" / FILE).write_text("[" * 100_000)
    assert [take.name for take in read_takes(tmp_path)] == ["a", "d"]


def test_links_pipes_and_endless_files_are_no_takes(tmp_path):
    original = take_in(tmp_path / "out" / "a", pinned=True, state="done")
    original.keep()
    results_in(original.folder)
    (tmp_path / "out" / "latest").symlink_to("a")
    for name, make in (
        ("linked", lambda file: file.symlink_to(original.folder / FILE)),
        ("endless", lambda file: file.symlink_to("/dev/zero")),
        ("pipe", os.mkfifo),
        ("huge", lambda file: file.write_text(json.dumps({"error": "x" * 2**21}))),
    ):
        (tmp_path / "out" / name).mkdir()
        make(tmp_path / "out" / name / FILE)
    assert read_takes(tmp_path / "out") == [original]
    discard_folder(tmp_path / "out" / "latest")
    assert original.whole, "a link's target stays"


def test_a_shot_behind_a_link_is_not_sent(tmp_path):
    take = take_in(tmp_path / "take")
    (tmp_path / "secret").write_text("the artist's own")
    (take.folder / "shot.npz").symlink_to(tmp_path / "secret")
    with pytest.raises(SceneError, match="cannot be read"):
        take.read_shot()


def test_a_take_that_says_it_was_sent_and_names_no_job_waits_for_a_word(tmp_path):
    take_in(tmp_path / "take", state="sent", engine="gpu:8000").keep()
    assert read_take(tmp_path / "take").state == "waiting"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = [name for name in asdict(Take(Path(), "", "", "", (1, 1, 1), Settings())) if name != "folder"]


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON, min_size=1, max_size=3))
def test_whatever_is_written_there_is_a_take_or_none(tmp_path_factory, changes):
    folder = tmp_path_factory.getbasetemp() / "mutated"
    take = take_in(folder)
    take.keep()
    content = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps({**content, **changes}))
    found = read_take(folder)
    assert found is None or (found.folder == folder and len(found.frame_numbers) > 0)


def test_an_engines_name_holds_no_password():
    assert address("https://artist:secret@gpu.example:8000/isa/") == "gpu.example:8000/isa"
    assert address("http://127.0.0.1:8642") == "127.0.0.1:8642"
