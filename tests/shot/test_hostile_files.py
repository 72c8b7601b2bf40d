"""Whatever comes over the network: a shot or a ShotError, and never more memory than was declared."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isa_engine.errors import ShotError
from isa_engine.shot import Kept, encode_shot, read_shot, validate
from isa_engine.shot.archive import MAX_BYTES
from tests.shot.shots import archive, header, members, npy, same, small_shot, with_header, with_member

SHOT = small_shot()
CONTENT = encode_shot(SHOT)
HEADER = header(CONTENT)
BOMB = 32 * 2**20


def shot_or_error(content: bytes) -> None:
    try:
        shot = read_shot(content)
    except ShotError:
        return
    assert same(read_shot(encode_shot(validate(shot))), shot)


@contextmanager
def peak_below(limit: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak} bytes were allocated"


def refused(content: bytes, *words: str) -> None:
    with pytest.raises(ShotError) as error:
        read_shot(content)
    for word in words:
        assert word in str(error.value)


def test_truncated_at_any_byte():
    for length in range(len(CONTENT)):
        refused(CONTENT[:length], "not a whole shot", "truncated")


def test_anything_before_or_after_the_file():
    refused(CONTENT + b"\0")
    shot_or_error(b"\0" * 100 + CONTENT)


@given(st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(1, 255)), min_size=1, max_size=4))
@example([(CONTENT.rindex(b"PK\5\6") + 12, 0xFF)])
def test_flipped_bytes(flips):
    content = bytearray(CONTENT)
    for position, mask in flips:
        content[position] ^= mask
    shot_or_error(bytes(content))


@given(st.sampled_from(sorted(members(CONTENT))), st.data())
def test_flipped_bytes_within_a_member_of_a_sound_archive(name, data):
    part = bytearray(members(CONTENT)[name])
    position = data.draw(st.integers(0, min(len(part), 200) - 1))
    part[position] ^= data.draw(st.integers(1, 255))
    shot_or_error(with_member(CONTENT, name.removesuffix(".npy"), bytes(part)))


def paths(value, path=()) -> Iterator[tuple]:
    """The place of every value in nested JSON."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[key], (*path, key))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(sorted(paths(HEADER), key=str)), JSON | st.sampled_from([10**400, -1, 2**70, "\ud800"])
)
@example(("settings", "guidance"), "2")
@example(("settings", "model"), "\ud800")
@example(("characters", 0, "name"), 7)
@example(("fps",), [10**4000, 1])
def test_a_header_with_anything_in_any_place(path, value):
    changed = json.loads(json.dumps({"root": HEADER}))
    place = changed
    for key in ("root", *path)[:-1]:
        place = place[key]
    place[("root", *path)[-1]] = value
    shot_or_error(with_header(CONTENT, changed["root"]))


def test_a_member_that_is_missing_is_named():
    for name in members(CONTENT):
        field = name.removesuffix(".npy")
        refused(with_member(CONTENT, field, None), f"field '{field}'", "missing")


def test_a_foreign_version_says_what_to_update():
    refused(with_header(CONTENT, {**HEADER, "version": 9}), "version is 9", "reads up to 8", "Update")
    refused(with_header(CONTENT, {k: v for k, v in HEADER.items() if k != "version"}), "version is None")


@pytest.mark.parametrize("content", [b"", b"PK", b"\x89PNG\r\n\x1a\n", b"x" * 1000, pickle.dumps(HEADER)])
def test_what_is_not_an_archive(content):
    refused(content, "not a whole shot")


def test_archives_of_other_things():
    refused(archive({}), "field 'header'", "missing")
    refused(archive({"word/document.xml": b"<xml/>"}), "field 'header'", "missing")
    refused(archive({"arr_0.npy": npy(np.zeros(3))}), "field 'header'", "missing")


def test_pickles_are_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    trap = np.empty(1, object)
    trap[0] = Trap()
    file = io.BytesIO()
    np.save(file, trap, allow_pickle=True)
    for name in members(CONTENT):
        field = name.removesuffix(".npy")
        refused(with_member(CONTENT, field, file.getvalue()), f"field '{field}'")
        refused(with_member(CONTENT, field, pickle.dumps(Trap())), f"field '{field}'")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("told", [{}, [], "take", None, {"weights": 1, "take": "a"}, {"weights": "a"}])
def test_a_take_that_is_kept_and_is_none(told):
    shot = small_shot(kept=Kept(np.ones((4, 2, 2, 2), np.float32), np.array([False, True]), "a", "b"))
    content = encode_shot(shot)
    changed = with_header(content, {**header(content), "kept": told})
    refused(changed)
    for field in ("kept_latents", "kept_again"):
        refused(with_member(content, field, None), f"field '{field}'", "missing")
        refused(with_member(content, field, npy(np.zeros(5))), f"field '{field}'")


POINTS = SHOT.characters[0].points
ARRAYS = {
    "another type": POINTS.astype(np.float64),
    "the other byte order": POINTS.astype(">f4"),
    "columns first": np.asfortranarray(POINTS),
    "a structure": np.zeros((3, 4, 3), [("x", "f4")]),
    "words": np.full((3, 4, 3), "abc"),
    "fewer axes": POINTS[0],
    "more axes": POINTS[..., None],
    "no axes": np.float32(0),
    "another take's frames": POINTS[:2],
}


@pytest.mark.parametrize("case", ARRAYS)
def test_an_array_of(case):
    refused(with_member(CONTENT, "character_0_points", npy(ARRAYS[case])), "field 'character_0_points'")


def npy_with(shape: str, data: bytes = b"", descr: str = "<f4") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + data


SHAPES = [
    "(3, -4, 3)",
    "(-3, -4, 3)",
    "(3, 99999999999999999999, 3)",
    "(3, 4.0, 3)",
    "(3, True, 3)",
    "[3, 4, 3]",
    "3",
    "(" * 200,
    "-" * 60000 + "1",
    "__import__('os').abort()",
    "(3, 4, 3), 'shape': (1,)",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_that_is_none(shape):
    part = npy_with(shape, POINTS.tobytes())
    refused(with_member(CONTENT, "character_0_points", part), "field 'character_0_points'")


def test_a_member_that_declares_more_than_it_holds():
    name = "character_0_points"
    refused(with_member(CONTENT, name, npy_with("(3, 5, 3)", POINTS.tobytes())), f"'{name}'", "truncated")
    with peak_below(2**20):
        for shape in ("(3, 99999999, 3)", "(3, 9999999999, 3)"):
            part = npy_with(shape, POINTS.tobytes())
            refused(with_member(CONTENT, name, part), f"'{name}'", "declares more than it holds")


def declaring(content: bytes, name: str, size: int) -> bytes:
    """The archive with this member's size rewritten in its directory and its own header."""
    out = bytearray(content)
    for signature, size_at, name_at in ((b"PK\3\4", 22, 30), (b"PK\1\2", 24, 46)):
        at = out.find(signature)
        while out[at + name_at : at + name_at + len(name)] != name.encode():
            at = out.index(signature, at + 1)
        struct.pack_into("<I", out, at + size_at, size)
    return bytes(out)


def test_more_than_the_limit_is_refused_before_it_is_read():
    content = CONTENT
    for name in ("background.npy", "character_0_points.npy"):
        content = declaring(content, name, MAX_BYTES // 2 + 1)
    with peak_below(2**20):
        refused(content, "limit", str(MAX_BYTES))


def test_a_stream_that_holds_more_than_it_declares():
    for shape in (f"({BOMB},)", "(4000,)"):
        bomb = with_member(CONTENT, "background", npy_with(shape, bytes(BOMB), "|u1"))
        content = declaring(bomb, "background.npy", 4096)
        with peak_below(2**20):
            refused(content)


def test_memory_stays_within_a_few_times_what_is_declared():
    cloud = npy_with("(3, 900000, 3)", bytes(3 * 900000 * 12))
    content = with_member(CONTENT, "character_0_points", cloud)
    with peak_below(3 * len(cloud)):
        refused(content, "900000 surface points")
    camera = npy_with(f"({BOMB // 4},)", bytes(BOMB), "<i4")
    content = with_member(CONTENT, "frame_numbers", camera)
    with peak_below(3 * BOMB):
        refused(content)


def test_giant_headers_of_arrays_and_of_the_shot():
    name = "character_0_points"
    second = b"\x93NUMPY\2\0" + struct.pack("<I", BOMB) + b" " * BOMB
    first = b"\x93NUMPY\1\0" + struct.pack("<H", 0xFFFF) + b" " * BOMB
    text = b'"' + b"a" * BOMB + b'"'
    contents = [with_member(CONTENT, name, part) for part in (second, first)]
    contents.append(with_member(CONTENT, "header", npy(np.frombuffer(text, np.uint8))))
    with peak_below(2**20):
        for content in contents:
            refused(content)


def test_a_deeply_nested_header():
    refused(with_member(CONTENT, "header", npy(np.frombuffer(b"[" * 10**5, np.uint8))), "field 'header'")


def test_too_many_members():
    parts = members(CONTENT) | {f"extra_{k}": b"" for k in range(500)}
    refused(archive(parts), "512 members", "too many")
    content = archive({f"{k}": b"" for k in range(5000)})
    with peak_below(2**20):
        refused(content, "directory")
    # The same directory, which only a 64-bit end record tells of.
    end = content.rindex(b"PK\5\6")
    size, offset = struct.unpack("<II", content[end + 12 : end + 20])
    large_end = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 5000, 5000, size, offset)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
    small_end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 46, 0, 0)
    with peak_below(2**20):
        refused(content[:end] + large_end + locator + small_end, "not a whole shot")


def test_two_members_of_one_name():
    file = io.BytesIO(CONTENT)
    with zipfile.ZipFile(file, "a") as out, pytest.warns(UserWarning, match="Duplicate name"):
        out.writestr("background.npy", npy(np.zeros(1)))
    refused(file.getvalue(), "same name")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions(method):
    refused(archive(members(CONTENT), method), "stored or deflated")


def test_stored_members_are_read_too():
    assert same(read_shot(archive(members(CONTENT), zipfile.ZIP_STORED)), SHOT)


def test_encrypted_members():
    content = bytearray(CONTENT)
    content[CONTENT.index(b"PK\3\4") + 6] |= 1
    content[CONTENT.index(b"PK\1\2") + 8] |= 1
    refused(bytes(content), "not a whole shot")


def test_a_directory_that_points_elsewhere():
    end = CONTENT.rindex(b"PK\5\6")
    for size, offset in ((0, 0), (2**16, 0), (100, 2**32 - 1), (2**32 - 1, 0), (100, 7)):
        content = bytearray(CONTENT)
        struct.pack_into("<II", content, end + 12, size, offset)
        refused(bytes(content))


def test_a_member_whose_checksum_is_wrong():
    part = members(CONTENT)["background.npy"]
    assert zlib.crc32(part)
    content = CONTENT.replace(struct.pack("<I", zlib.crc32(part)), b"\0\0\0\0")
    refused(content, "not a whole shot")


def test_a_file_larger_than_the_limit_is_not_opened(tmp_path):
    path = tmp_path / "sparse.npz"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with peak_below(2**20), pytest.raises(ShotError, match="limit"):
        read_shot(path)
