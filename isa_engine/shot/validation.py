"""What makes a shot whole.

Checked once at each door: where a scene has become a shot, lest its set is rendered for nothing; where a shot
file is written; and where one is read, by the service and again by whatever generates.
"""

from fractions import Fraction
from itertools import pairwise

import numpy as np

from isa_engine.configuration.policies import POLICIES
from isa_engine.errors import ShotError
from isa_engine.geometry.frames import segment_latents
from isa_engine.shot.shot import SKELETON, Character, Shot

MAX_FRAMES = 4096
# Frames of the scene, of which a plate has every one, however few are generated.
MAX_SPAN = 16 * MAX_FRAMES
MIN_FPS = Fraction(1, 100)
MAX_CHARACTERS = 64
MAX_POINTS = 8192
MAX_SIDE = 16384
MAX_CANVAS = 4096
MAX_PLATE_SCALE = 4
MAX_REFERENCES = MAX_CHARACTERS
MAX_STEPS = 1000
MAX_GUIDANCE = 100
MAX_SEED = 2**32 - 1
# Letters of a prompt: models read some hundred words.
MAX_PROMPT = 4096
# Letters of a name; Blender's have fewer than 256, and a library's file may stand beside them.
MAX_NAME = 1024
# Width over height of a reference picture, or height over width: a canvas grows with it, so that a long strip
# would fill the memory.
MAX_ASPECT = 8
PICTURE_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def validate(shot: Shot) -> Shot:
    """Return the shot unchanged.

    Raises:
        ShotError: names the field, the frame and the character that is wrong.
    """
    _numbers(shot)
    _cameras(shot)
    for character in shot.characters:
        _character(character, shot)
    _pictures(shot)
    _settings(shot)
    _background_depth(shot)
    _kept(shot)
    return shot


def _numbers(shot: Shot) -> None:
    _require(
        MIN_FPS <= shot.fps <= 1000 and max(shot.fps.numerator, shot.fps.denominator) < 2**31,
        f"fps is {shot.fps}",
        f"Use a frame rate between {float(MIN_FPS)} and 1000.",
    )
    for name, size in (("width", shot.width), ("height", shot.height)):
        _require(1 <= size <= MAX_SIDE, f"{name} is {size} pixels", f"Use 1 to {MAX_SIDE}.")
    numbers = shot.frame_numbers
    _require(
        numbers.ndim == 1 and len(numbers) >= 1, "the frame range is empty", "Set the end after the start."
    )
    _require(len(numbers) <= MAX_FRAMES, f"{len(numbers)} frames", f"Generate at most {MAX_FRAMES} at once.")
    steps = np.diff(numbers.astype(np.int64))
    _require(
        bool((steps > 0).all() and (steps == steps[:1]).all()), "frame_numbers are not evenly stepped upwards"
    )
    in_range = int(numbers[0]) >= -(2**31) and int(numbers[-1]) < 2**31
    _require(in_range, "frame_numbers are beyond 32 bits")
    span = int(numbers[-1]) - int(numbers[0]) + 1
    _require(span <= MAX_SPAN, f"{span} frames of the scene", f"A plate has at most {MAX_SPAN} frames.")
    _require(shot.background is not None or not shot.shadows, "shadows fall on a background that is missing")
    inside = all(first < last for first, last in pairwise([0, *shot.cuts, len(numbers)]))
    _require(inside, f"cuts at {shot.cuts} do not rise within {len(numbers)} frames")
    _require(len(shot.characters) >= 1, "the cast is empty", "Include at least one SMPL-X character.")
    _require(
        len(shot.characters) <= MAX_CHARACTERS,
        f"{len(shot.characters)} characters",
        f"At most {MAX_CHARACTERS}.",
    )


def _cameras(shot: Shot) -> None:
    _shape("intrinsics", shot.intrinsics, (shot.frames, 4), shot)
    _shape("camera_to_world", shot.camera_to_world, (shot.frames, 4, 4), shot)
    bad = ~(shot.intrinsics[:, :2] > 0).all(1)
    _require(not bad.any(), "the focal length is not positive", where=_at("intrinsics", shot, bad))
    rotation = shot.camera_to_world[:, :3, :3]
    with np.errstate(over="ignore", invalid="ignore"):
        drift = np.abs(rotation @ rotation.swapaxes(1, 2) - np.eye(3)).max((1, 2))
        rigid = (drift <= 1e-4) & (np.linalg.det(rotation) > 0)
    bad = ~rigid | (shot.camera_to_world[:, 3] != [0, 0, 0, 1]).any(1)
    _require(not bad.any(), "the matrix is not a rigid transform", where=_at("camera_to_world", shot, bad))


def _character(character: Character, shot: Shot) -> None:
    _text("a character's name", character.name)
    who = f"character '{character.name}'"
    first = shot.characters[0].points
    _require(
        first.ndim == 3,
        f"the shape is {first.shape} where (frames, points, 3) is needed",
        where=f"{who}, points",
    )
    count = first.shape[1]
    _require(
        1 <= count <= MAX_POINTS, f"there are {count} surface points", f"Use 1 to {MAX_POINTS}.", where=who
    )
    _shape(f"{who}, points", character.points, (shot.frames, count, 3), shot)
    triangles = character.triangles
    _require(
        triangles.ndim == 2 and triangles.shape[1] == 3 and np.issubdtype(triangles.dtype, np.integer),
        f"triangles have shape {triangles.shape}",
        where=who,
    )
    in_range = triangles.size == 0 or (triangles.min() >= 0 and triangles.max() < count)
    _require(bool(in_range), "a triangle names a point that does not exist", where=who)
    if (shown := character.shown) is not None:
        fits = shown.shape == (shot.frames,) and shown.dtype == bool
        _require(fits, f"shown is {shown.dtype} of shape {shown.shape}, not a bool a frame", where=who)
        _require(bool(shown.any()), "the character is hidden on all frames", "Leave it out.", where=who)
    if character.skeleton is not None:
        _skeleton(f"{who}, skeleton", character.skeleton, shot)
    _prompt("prompt", character.prompt, who)
    if (pose := character.reference) is not None:
        _require(
            0 <= pose.picture < len(shot.references),
            f"reference picture {pose.picture} is missing",
            where=who,
        )
        _shape(f"{who}, reference points", pose.points, (count, 3))
        _shape(f"{who}, reference mvp", pose.mvp, (4, 4))


def _skeleton(where: str, skeleton: np.ndarray, shot: Shot) -> None:
    _require(
        skeleton.shape == (shot.frames, SKELETON, 3),
        f"the shape is {skeleton.shape} where {(shot.frames, SKELETON, 3)} is needed",
        where=where,
    )
    absent = np.isnan(skeleton)
    _require(not absent.all(), "no joint is known", "Leave the skeleton out.", where=where)
    known = ~absent.all(2)
    broken = (absent.any(2) & known).any(1) | (known != known[0]).any(1)
    problem = "a joint is known in part, or not on all frames"
    _require(not broken.any(), problem, where=_at(where, shot, broken))
    endless = np.isinf(skeleton).any((1, 2))
    _require(not endless.any(), "a value is not a finite number", where=_at(where, shot, endless))


def _pictures(shot: Shot) -> None:
    _require(
        len(shot.references) <= MAX_REFERENCES,
        f"{len(shot.references)} references",
        f"At most {MAX_REFERENCES}.",
    )
    for index, picture in enumerate(shot.references):
        _require(
            picture.startswith(PICTURE_SIGNATURES),
            "the picture is neither PNG nor JPEG",
            "Save it as one of these.",
            where=f"reference {index}",
        )
    index = shot.frame_reference
    _require(index is None or 0 <= index < len(shot.references), f"frame_reference {index} is missing")


def _settings(shot: Shot) -> None:
    settings = shot.settings
    _text("the model's name", settings.model, "settings")
    for name, size in (("width", settings.width), ("height", settings.height)):
        _require(
            1 <= size <= MAX_CANVAS, f"canvas {name} is {size} pixels", f"Use 1 to {MAX_CANVAS}.", "settings"
        )
    _require(
        1 <= settings.plate_scale <= MAX_PLATE_SCALE,
        f"the plate's scale is {settings.plate_scale}",
        f"Use 1 to {MAX_PLATE_SCALE}.",
        "settings",
    )
    longest = max(settings.plate_size)
    _require(
        longest <= MAX_CANVAS,
        f"the plate would be {longest} pixels long",
        f"Use a smaller scale of the plate: {MAX_CANVAS} pixels are the most.",
        "settings",
    )
    _require(
        1 <= settings.steps <= MAX_STEPS, f"{settings.steps} steps", f"Use 1 to {MAX_STEPS}.", "settings"
    )
    _require(
        0 <= settings.guidance <= MAX_GUIDANCE,
        f"guidance is {settings.guidance}",
        f"Use 0 to {MAX_GUIDANCE}.",
        "settings",
    )
    _require(
        settings.policy in POLICIES,
        f"there is no policy {settings.policy!a}",
        f"Use {', '.join(POLICIES)}.",
        "settings",
    )
    _require(0 <= settings.seed <= MAX_SEED, f"seed is {settings.seed}", f"Use 0 to {MAX_SEED}.", "settings")
    _text("what steers the model", settings.steering, "settings")
    _text("what says where people are painted", settings.painted, "settings")
    _prompt("prompt", settings.prompt, "settings")
    _prompt("negative prompt", settings.negative_prompt, "settings")


def _background_depth(shot: Shot) -> None:
    if (depth := shot.background_depth) is None:
        return
    where = "the background's depth"
    _require(shot.background is not None, "the background itself is missing", where=where)
    canvas = shot.settings.height, shot.settings.width
    wanted = {(1, *canvas), (shot.frames, *canvas)}
    fits = depth.dtype == np.float16 and depth.shape in wanted
    found, needed = f"{depth.dtype} of shape {depth.shape}", f"float16 of {(shot.frames, *canvas)}"
    problem = f"the depth is {found} where {needed} is needed"
    _require(fits, problem, "Generate with a background that is rendered again.", where)
    # Not a number is not more than nothing either.
    bad = ~(depth > 0).all((1, 2))
    _require(not bad.any(), "something is not before the camera", where=_at(where, shot, bad))


def _kept(shot: Shot) -> None:
    if (kept := shot.kept) is None:
        return
    where, count = "what is kept of a take", segment_latents(shot.segments)[-1][1]
    latents, again = kept.latents, kept.again
    _require(latents.ndim == 4, f"latents of shape {latents.shape} do not fit", where=where)
    _shape(f"{where}, latents", latents, (latents.shape[0], count, *latents.shape[2:]))
    fits = again.shape == (count,) and again.dtype == bool
    _require(fits, f"again is {again.dtype} of shape {again.shape}, not {count} bools", where=where)
    _require(bool(again.any()), "nothing is made again", "Choose frames.", where)
    for what in (kept.weights, kept.take):
        _text("its origin", what, where)


def _require(condition: bool, problem: str, remedy: str = "", where: str = "") -> None:
    if not condition:
        raise ShotError(problem, where=where or "shot", remedy=remedy)


def _text(what: str, text: str, where: str = "") -> None:
    _require(isinstance(text, str) and text != "", f"{what} is missing", where=where)
    _require(len(text) <= MAX_NAME, f"{what} has {len(text)} letters", f"Use {MAX_NAME} at most.", where)
    _require(_is_text(text), f"{what} is {text!a}, which is not text", "Rename it.", where)


def _prompt(what: str, words: str, where: str) -> None:
    _require(isinstance(words, str) and _is_text(words), f"the {what} is not text", "Write it anew.", where)
    most = f"Use {MAX_PROMPT} at most."
    _require(len(words) <= MAX_PROMPT, f"the {what} has {len(words)} letters", most, where)


def _is_text(text: str) -> bool:
    """Whether UTF-8 can carry it: half of a surrogate pair is none."""
    return text.encode(errors="replace").decode() == text


def _shape(name: str, array: np.ndarray, shape: tuple[int, ...], shot: Shot | None = None) -> None:
    _require(array.shape == shape, f"the shape is {array.shape} where {shape} is needed", where=name)
    finite = np.isfinite(array)
    if not finite.all():
        bad = ~finite.reshape(shape[0], -1).all(1)
        where = _at(name, shot, bad) if shot is not None else name
        raise ShotError("a value is not a finite number", where=where)


def _at(name: str, shot: Shot, bad: np.ndarray) -> str:
    return f"{name}, frame {int(shot.frame_numbers[int(np.argmax(bad))])}"
