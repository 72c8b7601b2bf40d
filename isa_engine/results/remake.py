"""A shot that keeps an earlier take: some frames are made again, or such as the take does not have."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isa_engine.errors import ShotError, reason
from isa_engine.geometry.frames import Made, latent_of, made_of, segment_latents, whole_latents
from isa_engine.results.files import LATENTS, RECORD, SHOT
from isa_engine.shot import Kept, Shot, read_shot
from isa_engine.shot.archive import MAX_BYTES

# Latents beside those of the chosen frames, on either side, in which what is new comes to what is kept.
MARGIN = 1
# In place of frames: those on which the shot is staged otherwise than the take was.
CHANGED = "changed"
# Metres by which a point, and numbers by which a camera's matrix or lens, may differ unseen.
_UNSEEN = 1e-3, 1e-5
_REMEDY = "Generate it whole."


def remade(shot: Shot, take: Path, frames: tuple[int, int] | str | None = None) -> Shot:
    """The shot, with all kept that a take has but some frames.

    Args:
        shot: as it is to be now; it begins with the take, and may end before or after it.
        take: folder of the take's results.
        frames: first and last frame of the scene that are made again, with a few about them; or ``CHANGED``;
            None: only what the take does not have is made.

    Raises:
        ShotError: the take is not whole or was staged otherwise, or no frame would be made.
    """
    content, digest, weights = _told(take)
    earlier = read_shot(content)
    _check_staging(shot, earlier)
    latents = _latents(take, earlier)
    if frames == CHANGED:
        chosen = changed_frames(shot, earlier)
    else:
        chosen = np.zeros(shot.frames, bool) if frames is None else _within(shot, frames)
    again = latents_again(shot.segments, earlier.frames, chosen)
    if not again.any():
        remedy = "Choose frames to make again, or a longer range."
        problem = "the take has all frames already" + (", as they are staged now" if frames else "")
        raise ShotError(problem, where=str(take), remedy=remedy)
    # Cuts are the same as far as both go, and so is the place of each latent.
    kept = np.zeros((latents.shape[0], len(again), *latents.shape[2:]), np.float32)
    kept[:, ~again] = latents[:, np.flatnonzero(~again)]
    return dataclasses.replace(shot, kept=Kept(kept, again, weights, digest))


def check_take(take: Path) -> None:
    """Look whether a take has what a shot may keep, before the shot is made.

    Raises:
        ShotError: the take is not whole.
    """
    _told(take)
    _latents_file(take)


def latents_again(segments: Sequence[int], taken: int, chosen: np.ndarray) -> np.ndarray:
    """``(t,)`` bool, of a shot's latents those that are made, where a take has its first frames.

    Args:
        segments: frames of the shot's.
        taken: how many frames the take has, which is cut as the shot is.
        chosen: ``(F,)`` bool, the shot's frames that are made again all the same, with a few about them.
    """
    again = np.ones(segment_latents(segments)[-1][1], bool)
    before = 0
    for count, (first, last) in zip(segments, segment_latents(segments), strict=True):
        have = min(max(taken - before, 0), count)
        # The last latent of a take may stand for frames that it only repeated.
        held = last - first if have == count else whole_latents(have) if have else 0
        again[first : first + held] = False
        for latent in set(latent_of(np.flatnonzero(chosen[before : before + count])).tolist()):
            again[first + max(0, latent - MARGIN) : min(last, first + latent + 1 + MARGIN)] = True
        before += count
    return again


def frames_again(shot: Shot) -> list[tuple[int, int]]:
    """First and last frame of the scene of each span that is made; of a shot that keeps nothing, all."""
    made = np.zeros(shot.frames, bool)
    before = 0
    for count, (first, last) in zip(shot.segments, segment_latents(shot.segments), strict=True):
        again = np.ones(last - first, bool) if shot.kept is None else shot.kept.again[first:last]
        made[before : before + count] = again[latent_of(np.arange(count))]
        before += count
    edges = np.flatnonzero(np.diff(made, prepend=False, append=False)).reshape(-1, 2)
    return [(int(shot.frame_numbers[a]), int(shot.frame_numbers[b - 1])) for a, b in edges]


def made_in_record(record: dict[str, Any]) -> tuple[Made, ...]:
    """The segments of which something was made, as a plate's record tells.

    Raises:
        KeyError, TypeError, ValueError: it makes no sense.
    """
    numbers = np.asarray(record["shot"]["frame_numbers"])
    again = np.zeros(len(numbers), bool)
    for first, last in record["kept"]["again"] if "kept" in record else [(numbers[0], numbers[-1])]:
        again |= (numbers >= first) & (numbers <= last)
    segments = np.diff([0, *record["shot"].get("cuts", ()), len(numbers)]).tolist()
    if min(segments) < 1:
        raise ValueError(f"cuts leave segments of {segments} frames")
    spans = segment_latents(segments)
    latents, before = np.zeros(spans[-1][1], bool), 0
    for count, (first, _) in zip(segments, spans, strict=True):
        latents[first + latent_of(np.flatnonzero(again[before : before + count]))] = True
        before += count
    return made_of(segments, latents)


def changed_frames(shot: Shot, earlier: Shot) -> np.ndarray:
    """``(F,)`` bool, the shot's frames on which cast or camera is not as on an earlier shot's; false on those
    that it has beyond it. What is seen of both alike is not compared: pictures, background, settings."""
    common = min(shot.frames, earlier.frames)
    changed = np.zeros(shot.frames, bool)
    told = [[character.points.shape[1:] for character in each.characters] for each in (shot, earlier)]
    if told[0] != told[1]:
        changed[:common] = True
        return changed
    pairs = [
        (shot.intrinsics, earlier.intrinsics, _UNSEEN[1]),
        (shot.camera_to_world, earlier.camera_to_world, _UNSEEN[1]),
    ]
    for now, then in zip(shot.characters, earlier.characters, strict=True):
        pairs += [(now.points, then.points, _UNSEEN[0]), (now.visible, then.visible, 0)]
    for now, then, unseen in pairs:
        apart = np.abs(now[:common].astype(np.float64) - then[:common])
        changed[:common] |= (apart > unseen).reshape(common, -1).any(1)
    return changed


def _within(shot: Shot, frames: tuple[int, int]) -> np.ndarray:
    chosen = (shot.frame_numbers >= frames[0]) & (shot.frame_numbers <= frames[1])
    if not chosen.any():
        problem = f"frames {frames[0]} to {frames[1]} are none of the shot's"
        remedy = f"Choose some from {shot.frame_numbers[0]} to {shot.frame_numbers[-1]}."
        raise ShotError(problem, where="the frames to make again", remedy=remedy)
    return chosen


def _check_staging(shot: Shot, earlier: Shot) -> None:
    now, then = shot.settings, earlier.settings
    common = min(shot.frames, earlier.frames)
    told = {
        "another model": (now.model, then.model),
        "another canvas": ((now.width, now.height), (then.width, then.height)),
        "another first frame": (int(shot.frame_numbers[0]), int(earlier.frame_numbers[0])),
        "another step of frames": (shot.frame_step, earlier.frame_step),
        "other cuts": tuple([cut for cut in each.cuts if cut < common] for each in (shot, earlier)),
    }
    if common == 1:
        del told["another step of frames"]
    for what, (new, old) in told.items():
        if new != old:
            problem = f"the take has {what} than the shot: {old}, not {new}"
            raise ShotError(problem, where="the take that is kept", remedy=_REMEDY)


def _latents_file(take: Path) -> Path:
    path = take / LATENTS
    if not path.exists():
        problem = "the take has no latents; it was made before takes kept them"
        raise ShotError(problem, where=str(take), remedy=_REMEDY)
    return path


def _latents(take: Path, earlier: Shot) -> np.ndarray:
    path, count = _latents_file(take), segment_latents(earlier.segments)[-1][1]
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        found = np.load(path, allow_pickle=False)
        if found.ndim != 4 or found.shape[1] != count or found.dtype != np.float32:
            raise ValueError(f"found {found.dtype} of shape {found.shape}")
    except (OSError, ValueError, EOFError) as error:
        raise ShotError(
            f"the latents cannot be read: {reason(error)}", where=str(path), remedy=_REMEDY
        ) from error
    return found


def _told(take: Path) -> tuple[bytes, str, str]:
    """A take's shot file, the SHA-256 of that, and the weights that made the take."""
    content = _read(take / SHOT)
    digest = hashlib.sha256(content).hexdigest()
    return content, digest, _weights(take / RECORD, digest)


def _weights(path: Path, shot: str) -> str:
    """That made a take, by its record.

    Args:
        shot: SHA-256 of the shot file beside it.
    """
    try:
        record = json.loads(_read(path))
        weights, made_of = str(record["model"]["weights"]), record["shot"]["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ShotError("the record is damaged", where=str(path), remedy=_REMEDY) from error
    if made_of != shot:
        # A later job has begun in this folder, and has not come to its end: what is told of the cast is its.
        problem = "the shot beside the plate is not the one that it was made of"
        raise ShotError(problem, where=str(path.parent), remedy=_REMEDY)
    return weights


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"the take cannot be read: {error.strerror}"
        raise ShotError(problem, where=str(path), remedy=_REMEDY) from error
