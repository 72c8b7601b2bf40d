"""Reference pictures as people have them: photographs of phones, other formats, packed ones."""

import io

import bpy
import numpy as np
import pytest
from PIL import Image, ImageOps

from isa_blender_addon.scene.picture import (
    picture_size,
    read_picture,
    save_picture,
    stored_turned,
    write_upright,
)
from isa_blender_addon.scene.picture_bytes import LONGEST
from isa_blender_addon.scene.reference import render_reference
from isa_engine.errors import SceneError
from tests.addon.scenes.cast import stage
from tests.full_disk import room_for


def gradient(width: int, height: int) -> Image.Image:
    """Red rises to the right, green downwards: no turn or mirror image of it looks like another."""
    x, y = np.meshgrid(np.linspace(20, 235, width), np.linspace(20, 235, height))
    return Image.fromarray(np.stack([x, y, np.full_like(x, 90)], -1).round().astype(np.uint8))


def read(path) -> Image.Image:
    return Image.open(io.BytesIO(read_picture(path, "Anna"))).convert("RGB")


def far(one: Image.Image, other: Image.Image) -> float:
    """The greatest difference of two pictures of one size, in levels of 255."""
    assert one.size == other.size
    return float(np.abs(np.asarray(one).astype(int) - np.asarray(other)).max())


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_what_the_engine_reads_goes_as_it_is(tmp_path, name):
    gradient(60, 40).save(tmp_path / name)
    assert read_picture(tmp_path / name, "Anna") == (tmp_path / name).read_bytes()


def test_the_size_of_a_picture_is_read_from_its_head(tmp_path):
    Image.new("RGB", (123, 45)).save(tmp_path / "a.jpg", quality=80)
    Image.new("RGB", (123, 45)).save(tmp_path / "b.jpg", progressive=True, exif=b"Exif\0\0" + bytes(5000))
    Image.new("RGB", (7, 9)).save(tmp_path / "c.png")
    assert [picture_size(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.png")] == [
        (123, 45),
        (123, 45),
        (7, 9),
    ]
    for name, content in (("d.jpg", b"\xff\xd8\xff\xe0"), ("e.png", b"\x89PNG\r\n\x1a\n"), ("f.png", b"")):
        (tmp_path / name).write_bytes(content)
        assert picture_size(tmp_path / name) is None
    assert picture_size(tmp_path / "gone.png") is None


@pytest.mark.parametrize("name", ["a.webp", "a.tif", "a.bmp", "a.tga"])
def test_what_only_blender_reads_goes_as_blender_shows_it(tmp_path, name):
    lossless = {"lossless": True} if name.endswith("webp") else {}
    gradient(60, 40).save(tmp_path / name, **lossless)
    before = len(bpy.data.images)
    assert far(read(tmp_path / name), gradient(60, 40)) <= 1
    assert picture_size(tmp_path / name) == (60, 40)
    assert len(bpy.data.images) == before


@pytest.mark.parametrize("size", [(LONGEST + 400, 900), (1200, 2 * LONGEST)])
def test_a_very_large_picture_is_scaled_down_on_the_way(tmp_path, size):
    gradient(*size).save(tmp_path / "large.jpg", quality=95)
    shown = read(tmp_path / "large.jpg")
    assert max(shown.size) == LONGEST
    assert shown.width / shown.height == pytest.approx(size[0] / size[1], rel=0.01)
    assert far(shown.resize((30, 30)), gradient(30, 30).resize((30, 30))) < 12
    assert picture_size(tmp_path / "large.jpg") == size


@pytest.mark.parametrize("room", [0, 100])
def test_a_picture_that_a_full_disk_cuts_short_is_a_sentence_and_no_picture(scene, tmp_path, room):
    """Blender says nothing where it writes no more than a part."""
    noise = np.random.default_rng(0).integers(0, 255, (90, 60, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.tif")
    with room_for(room), pytest.raises(SceneError, match=r"cannot write .*picture\.png.* Free some space"):
        read_picture(tmp_path / "a.tif", "Anna")
    with room_for(room), pytest.raises(SceneError, match=r"cannot write .*b\.png.* Free some space"):
        save_picture(bpy.data.images.load(str(tmp_path / "a.tif")), tmp_path / "b.png")
    stage(scene)
    scene.render.resolution_percentage = 10
    with room_for(room), pytest.raises(SceneError, match=r"cannot write .*demo\.png.* Free some space"):
        render_reference(scene, 1, tmp_path / "demo.png")
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


def test_a_picture_that_blender_has_yet_to_read_is_written_as_png(scene, tmp_path):
    gradient(60, 40).save(tmp_path / "a.tif")
    save_picture(bpy.data.images.load(str(tmp_path / "a.tif")), tmp_path / "b.png")
    assert far(Image.open(tmp_path / "b.png").convert("RGB"), gradient(60, 40)) <= 1


def test_a_strip_that_the_engine_would_refuse_is_refused_here(tmp_path):
    for name in ("strip.png", "strip.webp"):
        gradient(420, 50).save(tmp_path / name)
        with pytest.raises(SceneError, match=r"420 × 50 pixels is too long .* Crop it around the people"):
            read_picture(tmp_path / name, "Anna")
    gradient(400, 50).save(tmp_path / "panorama.png")
    read_picture(tmp_path / "panorama.png", "Anna")


def test_a_phones_moving_photograph_goes_without_its_movie(tmp_path):
    gradient(60, 40).save(tmp_path / "still.jpg")
    still = (tmp_path / "still.jpg").read_bytes()
    movie = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 600
    (tmp_path / "motion.jpg").write_bytes(still + movie)
    assert read_picture(tmp_path / "motion.jpg", "Anna") == still


def test_a_picture_that_is_packed_into_the_file_needs_no_file(scene, tmp_path):
    path = tmp_path / "packed.png"
    gradient(60, 40).save(path)
    content = path.read_bytes()
    bpy.data.images.load(str(path)).pack()
    path.unlink()
    assert read_picture(path, "Anna") == content
    assert picture_size(path) == (60, 40)


def test_a_picture_that_is_nowhere_is_a_sentence(tmp_path):
    with pytest.raises(SceneError, match=r"cannot read '.*gone\.png'"):
        read_picture(tmp_path / "gone.png", "Anna")


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("byte_order", ["II", "MM"])
def test_a_photograph_that_is_stored_turned_is_written_as_others_show_it(tmp_path, orientation, byte_order):
    exif = Image.Exif()
    exif.endian = "<" if byte_order == "II" else ">"
    exif[0x112] = orientation
    path = tmp_path / "phone.jpg"
    gradient(60, 40).save(path, exif=exif, quality=98)
    assert stored_turned(path) == orientation
    with Image.open(path) as stored:
        wanted = ImageOps.exif_transpose(stored).convert("RGB")
    write_upright(path, tmp_path / "upright.png")
    assert far(Image.open(tmp_path / "upright.png").convert("RGB"), wanted) <= 6
    assert stored_turned(tmp_path / "upright.png") == 1


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_not_only_jpegs_are_stored_turned(tmp_path, name):
    exif = Image.Exif()
    exif[0x112] = 6
    # WebP's stands behind the picture.
    gradient(600, 400).save(tmp_path / name, exif=exif)
    assert stored_turned(tmp_path / name) == 6
    with Image.open(tmp_path / name) as stored:
        wanted = ImageOps.exif_transpose(stored).convert("RGB")
    write_upright(tmp_path / name, tmp_path / "upright.png")
    assert far(Image.open(tmp_path / "upright.png").convert("RGB"), wanted) <= 2


def animated_webp(path) -> None:
    gradient(60, 40).save(path, save_all=True, append_images=[gradient(60, 40).rotate(180)], format="WEBP")


def phones_heic(path) -> None:
    """Its head; Blender is built without what decodes the rest."""
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(3000))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.heic"])
@pytest.mark.parametrize(
    "write",
    [
        animated_webp,
        phones_heic,
        lambda path: gradient(60, 40).save(path, format="GIF"),
        lambda path: gradient(60, 40).save(path, format="AVIF"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"<html>404 Not Found</html>"),
    ],
    ids=["animated", "heic", "gif", "avif", "empty", "a page"],
)
def test_what_blender_cannot_open_is_a_sentence_whatever_it_is_called(tmp_path, write, name):
    write(tmp_path / name)
    with pytest.raises(
        SceneError, match=r"no picture that Blender can open \(.*picture of 'Anna'\)\. .*PNG or JPEG"
    ):
        read_picture(tmp_path / name, "Anna")


@pytest.mark.parametrize(
    "tail", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0XX" + bytes(9)]
)
def test_a_photograph_whose_exif_tells_nothing_is_upright(tmp_path, tail):
    gradient(60, 40).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    segment = b"\xff\xe1" + (len(tail) + 2).to_bytes(2, "big") + tail
    (tmp_path / "b.jpg").write_bytes(content[:2] + segment + content[2:])
    assert stored_turned(tmp_path / "b.jpg") == 1
    assert picture_size(tmp_path / "b.jpg") == (60, 40)
