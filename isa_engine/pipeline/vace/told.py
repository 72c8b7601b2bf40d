"""What Wan-VACE is told of a shot: a control video and its mask, pictures of the cast, words.

The control video shows the set where it is kept and the cast's skeletons, or the depth, where it is painted;
the mask says which is which. References go before the video, a latent frame each.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.controls.masks import REACH, grown
from isa_engine.controls.surfaces import Surface, figure_size, see
from isa_engine.errors import ShotError
from isa_engine.geometry.frames import extended, frames_before, latent_count, latent_of
from isa_engine.geometry.ndc import view_depth
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.drawn import drawn_own_masks, drawn_pictures
from isa_engine.pipeline.painter import Span
from isa_engine.pipeline.pictures import decode_picture, to_canvas, to_frames, to_video
from isa_engine.pipeline.progress import Report, Steps
from isa_engine.pipeline.vace.decoding import plate_frames
from isa_engine.pipeline.vace.loading import VACE
from isa_engine.pipeline.vace.passes import Pass, pictures_of
from isa_engine.shot import Character, Shot

# A picture is not what the camera saw where its proportions differ from the render's by more than this share.
_SHAPE = 0.02


@dataclass(frozen=True)
class Told:
    """
    Attributes:
        control: ``(1, 2C + s², R + t, h, w)``: latents of what is kept and of what is painted, and the mask;
            R references before the video.
        references: R.
        words, not_words: ``(1, WORDS, d)``, of the prompt and of the negative one.
        first: ``(1, C, h, w)``: what must be added to a part's first latent to have it stand for one frame,
            as a video's first does, and not for four as it does in its segment; None: it is the segment's.
    """

    control: Tensor
    references: int
    words: Tensor
    not_words: Tensor
    first: Tensor | None = None

    def as_video(self, noisy: Tensor, time: Tensor) -> Tensor:
        """Latents ``(1, C, R + t, h, w)`` on their way, with the first one as that of a video."""
        if self.first is None:
            return noisy
        shown = noisy.clone()
        shown[:, :, self.references] += (1 - time) * self.first
        return shown


@torch.inference_mode()
def told(shot: Shot, model: VACE, segment: int, part: Pass, latents: Tensor, report: Report) -> Told:
    """Of a part of a segment.

    Args:
        latents: ``(1, C, t, h, w)`` of the segment, finished where the part does not make them.
        report: called at every few pictures that are decoded, drawn or encoded.

    Raises:
        ShotError: a picture is damaged.
        Cancelled: by ``report``.
    """
    settings, begin = shot.settings, part.span[0]
    size, cast = (settings.width, settings.height), [shot.characters[who] for who in part.cast]
    numbers, already = frames_of(shot, segment, part.span), _already(shot, segment, part)
    # The control video is encoded twice, and each reference once.
    steps = Steps(report, "encode", len(already) + len(numbers) + 2 + pictures_of(shot, part.cast))
    known = known_frames(shot, model, segment, part, latents, steps)
    video, mask = control_pictures(shot, numbers, part.cast, part.order, known, steps)
    video, mask = (extended(frames) for frames in (video, mask))
    # Else the model pads silently, and the people stand somewhere.
    if video.shape != mask.shape or video.shape[1:3] != size[::-1]:
        problem = f"controls of {video.shape} do not fill the canvas of {size[0]} × {size[1]} pixels"
        raise ShotError(problem, where="controls")
    pictures, painted = to_video(video), torch.from_numpy(mask[..., 0] > 127)[None, None].float()
    kept, new = steps.each(model.encode(pictures * share) for share in (1 - painted, painted))
    references = reference_pictures(shot, cast, size)
    shown = list(steps.each(model.encode(picture[None, :, None]) for picture in references))
    both = torch.cat([kept, new], 1)
    before = [torch.cat([picture, torch.zeros_like(picture)], 1) for picture in shown]
    both = torch.cat([*before, both], 2)
    control = torch.cat([both, _mask_latents(painted, model, both.shape, len(shown)).to(both)], 1)
    prompt = ". ".join(filter(None, (settings.prompt, *(character.prompt for character in cast))))
    first = kept[:, :, 0].to(latents) - latents[:, :, begin] if begin else None
    return Told(control, len(shown), model.read(prompt), model.read(settings.negative_prompt), first)


def frames_of(shot: Shot, segment: int, span: Span) -> range:
    """Those of the shot's frames, counted from 0, that are told of a span of a segment's latents: a video,
    which begins with a latent of one frame, the last of those that the span's first stands for."""
    before, (first, last) = sum(shot.segments[:segment]), span
    begin, end = frames_before(first + 1) - 1, min(shot.segments[segment], frames_before(last))
    return range(before + begin, before + end)


@dataclass(frozen=True)
class Known:
    """What is finished of a part's frames, as the plate has it.

    Attributes:
        frames: ``(H, W, 3)`` uint8 by their numbers in the shot.
        held: numbers of those of which nothing more is painted.
    """

    frames: Mapping[int, np.ndarray]
    held: Collection[int]


def known_frames(shot: Shot, model: VACE, segment: int, part: Pass, latents: Tensor, steps: Steps) -> Known:
    """Those of which a part makes no latent; where others are painted already, all of a part's."""
    wanted = _wanted(part)
    if not wanted:
        return Known({}, ())
    begin, made = sum(shot.segments[:segment]), _made(part)
    frames = plate_frames(latents, model, shot, segment, wanted[0], wanted[-1] + 1)
    numbered = zip(_already(shot, segment, part), steps.each(frames), strict=True)
    found = {begin + number: frame for number, frame in numbered if latent_of(number) in wanted}
    return Known(found, {number for number in found if latent_of(number - begin) not in made})


def _made(part: Pass) -> set[int]:
    """Of the segment's latents those of which a part makes any."""
    return {part.span[0] + int(latent) for latent in part.made.flatten(1).any(1).nonzero()}


def _wanted(part: Pass) -> list[int]:
    """Of the segment's latents those that ``known_frames`` are of."""
    made = _made(part)
    return [latent for latent in range(*part.span) if part.before or latent not in made]


def _already(shot: Shot, segment: int, part: Pass) -> range:
    """The segment's frames that are decoded for ``known_frames``: from the first of them to the last."""
    wanted = _wanted(part)
    if not wanted:
        return range(0)
    return range(frames_before(wanted[0]), min(shot.segments[segment], frames_before(wanted[-1] + 1)))


def control_pictures(
    shot: Shot, numbers: range, cast: Sequence[int], order: Sequence[int], known: Known, steps: Steps
) -> tuple[np.ndarray, np.ndarray]:
    """The control video and the mask of a shot's frames, ``(F, H, W, 3)`` uint8 each.

    Without a background all is painted, by the first who are. A picture of the first frame is known: it tells
    by place who wears what.

    Args:
        numbers: of the frames, counted from 0.
        cast: who is painted, as indices into the shot's characters.
        order: in which people are painted one by one, as of ``Pass``; empty: at once.
        steps: each frame is one.
    """
    size, kept = (shot.settings.width, shot.settings.height), background_frames(shot, numbers)
    steering = drawn_pictures(shot, shot.settings.steering, numbers, cast)
    place = order.index(cast[0]) if order else 0
    if kept is None and place == 0:
        painted = (np.ones(size[::-1], bool) for _ in numbers)
    elif order:
        painted = (own[place] for own in drawn_own_masks(shot, order, numbers))
    else:
        masks = drawn_pictures(shot, shot.settings.painted, numbers, cast)
        painted = (mask[..., 0] > 127 for mask in masks)
    drawn = zip(steering, painted, strict=True)
    video, masks = map(np.stack, zip(*steps.each(drawn), strict=True))
    masks = np.repeat(np.where(masks, 255, 0).astype(np.uint8)[..., None], 3, axis=3)
    shown, held = dict(known.frames), {*known.held}
    if 0 in numbers and 0 not in held and (first := first_frame(shot)) is not None:
        shown[0], held = first, {*held, 0}
    for place, number in enumerate(numbers):
        if number in held:
            masks[place] = 0
        there = shown.get(number, video[place] if kept is None else kept[place])
        video[place] = np.where(masks[place] > 127, video[place], there)
    return video, masks


def first_frame(shot: Shot) -> np.ndarray | None:
    """The picture of the whole cast as it stands on the shot's first frame, through that frame's camera:
    ``(H, W, 3)`` uint8 of the canvas's size. None where no picture is that."""
    if shot.frame_reference is None:
        return None
    for character in shot.characters:
        pose = character.reference
        if pose is None or pose.picture != shot.frame_reference or not character.visible[0]:
            return None
        if not (np.allclose(pose.points, character.points[0]) and np.allclose(pose.mvp, shot.mvp[0])):
            return None
    picture = decode_picture(shot.references[shot.frame_reference], "the picture of the first frame")
    shape = shot.width / shot.height
    if abs(picture.width / picture.height - shape) > _SHAPE * shape:
        return None
    size = shot.settings.width, shot.settings.height
    return to_frames(to_canvas(picture, size)[None, :, None])[0]


def reference_pictures(shot: Shot, cast: Sequence[Character], size: tuple[int, int]) -> list[Tensor]:
    """Each of these cut out of its picture, on white: ``(3, H, W)`` in [−1, 1] of the canvas's size."""
    return [
        _cut_out(character, shot.references[character.reference.picture], size)
        for character in cast
        if character.reference is not None
    ]


def _cut_out(character: Character, encoded: bytes, size: tuple[int, int]) -> Tensor:
    picture = decode_picture(encoded, f"reference picture of '{character.name}'")
    pose = character.reference
    points = pose.points.astype(np.float64)
    surface = Surface(points, character.triangles.astype(np.int64), np.zeros(len(character.triangles), int))
    seen = see(surface, pose.mvp, picture.size).owner >= 0
    if not seen.any():
        # Where it stands in its picture is not known: all of it is shown.
        return _on_white(np.array(picture), np.ones(seen.shape, bool), size)
    as_there = replace(character, points=pose.points[None])
    zoom = np.sqrt(np.prod(np.linalg.norm(pose.mvp[:2, :3], axis=1)) * np.prod(picture.size) / 4)
    radius = REACH * figure_size(as_there) * zoom / float(np.median(view_depth(points, pose.mvp)))
    return _on_white(np.array(picture), grown(seen, radius), size)


def _on_white(picture: np.ndarray, mask: np.ndarray, size: tuple[int, int]) -> Tensor:
    """What a mask shows, as large as fits, in the middle of a white canvas."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    shown = Image.fromarray(np.where(mask[..., None], picture, 255)[part].astype(np.uint8))
    scale = min(size[0] / shown.width, size[1] / shown.height)
    fitted = max(1, round(shown.width * scale)), max(1, round(shown.height * scale))
    canvas = torch.ones(3, size[1], size[0])
    left, top = (size[0] - fitted[0]) // 2, (size[1] - fitted[1]) // 2
    canvas[:, top : top + fitted[1], left : left + fitted[0]] = to_canvas(shown, fitted)
    return canvas


def _mask_latents(painted: Tensor, model: VACE, shape: torch.Size, references: int) -> Tensor:
    """The mask ``(1, 1, F, H, W)`` as features ``(1, s², R + t, h, w)``, 0 for references."""
    side, (height, width) = model.side, shape[3:]
    fine = painted[0, 0].unflatten(2, (width, side)).unflatten(1, (height, side))
    features = fine.permute(2, 4, 0, 1, 3).flatten(0, 1)[None]
    latents = (latent_count(painted.shape[2]), height, width)
    features = torch.nn.functional.interpolate(features, latents, mode="nearest-exact")
    return torch.cat([features.new_zeros(1, side**2, references, height, width), features], 2)
