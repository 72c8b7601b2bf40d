"""How much work a shot is."""

from collections.abc import Sequence

import numpy as np

from isa_engine.configuration.policies import POLICIES
from isa_engine.cost.generation import Work
from isa_engine.geometry.frames import Made, made_of, segment_latents
from isa_engine.geometry.ndc import project
from isa_engine.geometry.tiles import Tile
from isa_engine.models.kind import Description
from isa_engine.shot import Shot

# Frames whose points are placed at once; bounds the memory of a long shot.
_AT_ONCE = 64


def work_of(shot: Shot, model: Description) -> Work:
    """Of a shot for a model, the shot's own."""
    settings = shot.settings
    return Work(
        shot.frames,
        settings.width,
        settings.height,
        len(shot.characters),
        settings.steps,
        settings.guidance,
        POLICIES[settings.policy],
        made_in(shot),
        settings.one_by_one,
        _near(shot, model),
        settings.plate_scale if model.lays_over and shot.background is not None else 1,
    )


def made_in(shot: Shot) -> tuple[Made, ...]:
    """The segments of which something is made: all, or what is not kept of an earlier take."""
    return made_of(shot.segments, _again(shot))


def _again(shot: Shot) -> np.ndarray:
    """``(t,)`` bool, the latents that are made."""
    latents = segment_latents(shot.segments)[-1][1]
    return np.ones(latents, bool) if shot.kept is None else shot.kept.again


def _near(shot: Shot, model: Description) -> tuple[tuple[int, ...], ...]:
    """As of ``Work``. Where a part of a segment is made all of its frames count, though fewer are seen."""
    tiles, again = model.tiles(shot.settings.width, shot.settings.height), _again(shot)
    if not tiles:
        return ()
    found, first = [], 0
    for frames, (start, end) in zip(shot.segments, segment_latents(shot.segments), strict=True):
        if again[start:end].any():
            found.append(_points_near(shot, slice(first, first + frames), model.points, tiles))
        first += frames
    return tuple(found)


def _points_near(shot: Shot, frames: slice, points: int, tiles: Sequence[Tile]) -> tuple[int, ...]:
    """Of how many points each tile is told that the network is asked of, as ``Conditioning.tile`` and
    ``Conditioning.shows_nobody`` have it.

    Args:
        points: of each character.
    """
    counts, everybody = np.zeros(len(tiles), int), len(shot.characters) * points
    for character in shot.characters:
        near = np.zeros((len(tiles), points), bool)
        for start in range(frames.start, frames.stop, _AT_ONCE):
            some = slice(start, min(start + _AT_ONCE, frames.stop))
            ndc, in_front = project(character.points[some, :points].astype(float), shot.mvp[some])
            seen = in_front & character.visible[some, None]
            near |= [(tile.near(ndc) & seen).any(0) for tile in tiles]
        counts += near.sum(1)
    if shot.background is None or not everybody:
        return tuple(int(count) or everybody for count in counts)
    return tuple(int(count) for count in counts if count)
