"""Two ways of writing one place are the same; nothing here needs Blender."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from isa_blender_addon.takes.places import Places, same


@given(st.lists(st.sampled_from(["a", "b", ".", "..", "link"]), max_size=6))
def test_a_place_is_itself_however_it_is_written(tmp_path_factory, parts):
    root = tmp_path_factory.getbasetemp() / "places"
    if not root.exists():
        for folder in ("a/a", "a/b", "b/a", "b/b"):
            (root / folder).mkdir(parents=True)
        (root / "link").symlink_to("a")
        (root / "a" / "b" / "plate.mp4").touch()
    way = root.joinpath(*parts)
    try:
        there = os.stat(way)
    except OSError:
        return
    for place in (root, root / "a", root / "b", root / "a" / "b"):
        assert same(way, place) == os.path.samestat(there, os.stat(place))


def test_a_folder_holds_what_is_in_it_by_any_name(tmp_path):
    (tmp_path / "isa" / "A").mkdir(parents=True)
    (tmp_path / "isa" / "A" / "plate.mp4").touch()
    (tmp_path / "other").symlink_to("isa")
    shown = Places([f"{tmp_path}/x/../other/A/plate.mp4"])
    assert shown.within(tmp_path / "isa" / "A")
    assert shown.within(tmp_path / "isa")
    assert shown.within(tmp_path / "isa" / "A" / "plate.mp4")
    assert not shown.within(tmp_path / "isa" / "AB")


def test_one_file_under_two_names_is_one_file(tmp_path):
    """As "Plate.mp4" and "plate.MP4" are where the file system knows no capitals."""
    (tmp_path / "plate.mp4").touch()
    os.link(tmp_path / "plate.mp4", tmp_path / "PLATE.MP4")
    assert same(tmp_path / "plate.mp4", tmp_path / "PLATE.MP4")


def test_what_is_missing_is_known_by_its_folder(tmp_path):
    (tmp_path / "A").mkdir()
    (tmp_path / "link").symlink_to("A")
    assert Places([tmp_path / "link" / "gone.mp4"]).within(tmp_path / "A")
    assert same(tmp_path / "link" / "gone.mp4", Path(f"{tmp_path}/A/../A/gone.mp4"))
