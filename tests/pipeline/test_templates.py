"""Any surface template, from its file to the video: SMPL, SMPL-H, SMPL-X, FLAME, and another skinned mesh."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from isa_engine.body import load_template
from isa_engine.data.clips.stored_clips import Shards
from isa_engine.data.recordings.media import EXACT
from isa_engine.data.recordings.members import pack
from isa_engine.data.recordings.recording import fingerprint
from isa_engine.data.recordings.shards import write_shard
from isa_engine.data.samples.encoding import condition_clip
from isa_engine.geometry.surface import POINTS, surface_table
from isa_engine.pipeline import generate
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.shot import Character, ReferencePose, Shot, encode_shot, read_shot
from tests.body.templates import LAYOUTS, write_template
from tests.data.recordings.recordings import recording
from tests.geometry.meshes import ellipsoid
from tests.movies import read_video
from tests.pipeline.shots import make_shot

FRAMES = 5


@pytest.fixture(scope="module", params=LAYOUTS)
def body(request, tmp_path_factory):
    """A template as read from a file of its layout."""
    return load_template(write_template(tmp_path_factory.mktemp("templates"), request.param))


def bent(body, turn: float) -> np.ndarray:
    """Vertices ``(F, V, 3)`` of the body as it bends, world axes; the root stands still."""
    rotations = np.zeros((FRAMES, len(body.parents), 3))
    rotations[:, 1:, 0] = np.linspace(0, turn, FRAMES)[:, None]
    vertices, _ = body.pose(rotations=rotations)
    return np.stack([vertices[..., 0], -vertices[..., 2], vertices[..., 1]], -1)


def shot_of(vertices: np.ndarray, faces: np.ndarray, rest: np.ndarray) -> Shot:
    """A shot of one mesh, close enough to fill the picture, known from its own first frame."""
    table = surface_table(rest, faces)
    points, shot = table.points(vertices), make_shot(FRAMES, references="all")
    points[..., 1] += 2.5 * np.ptp(rest) - 4
    pose = ReferencePose(0, points[0], shot.mvp[0])
    return replace(shot, characters=(Character("Somebody", points, table.triangles, pose),))


def plate(shot: Shot, model, folder) -> np.ndarray:
    result = generate(shot, model, folder, lambda progress: None)
    return read_video(result.plate.read_bytes(), FRAMES, (48, 32)).astype(int)


def assert_video_follows(model, folder, still: Shot, moving: Shot) -> None:
    """From points to tokens to video."""
    for shot in (still, moving):
        assert shot.characters[0].points.shape == (FRAMES, POINTS, 3)
        told = condition_shot(shot, model)
        assert told.visible.all()
        assert told.identity_known.all()
        tokens = model.dit.point_tokens(told.points, told.identity, told.identity_known)
        assert tokens.shape == (1, FRAMES, model.config.dit.points, model.config.dit.width)
        assert encode_shot(read_shot_of(shot, folder)) == encode_shot(shot)
    assert np.abs(plate(still, model, folder / "a") - plate(moving, model, folder / "b")).max() > 8


def read_shot_of(shot: Shot, folder) -> Shot:
    (folder / "shot.npz").write_bytes(encode_shot(shot))
    return read_shot(folder / "shot.npz")


def test_a_file_of_any_layout_becomes_a_video_that_follows_its_pose(body, model, tmp_path):
    shots = [shot_of(bent(body, turn), body.faces, body.v_template) for turn in (0.0, 0.6)]
    assert_video_follows(model, tmp_path, *shots)


def test_a_mesh_without_any_file_becomes_a_video_too(model, tmp_path):
    """However it was animated, vertices and faces are all that is asked for."""
    vertices, faces = ellipsoid((0.5, 0.3, 0.8), around=10, along=9)
    wobble = 1 + 0.5 * np.linspace(0, 1, FRAMES)[:, None, None] * [1, 0, -0.5]
    still = np.broadcast_to(vertices, (FRAMES, *vertices.shape))
    shots = [shot_of(moved, faces, vertices) for moved in (still, still * wobble)]
    assert_video_follows(model, tmp_path, *shots)


def test_it_is_drawn_in_2d_as_well(body, model_in_2d):
    maps = condition_shot(shot_of(bent(body, 0.6), body.faces, body.v_template), model_in_2d).normal_maps
    assert maps.any()
    assert not torch.equal(maps[:, 0], maps[:, 1])


def test_a_recording_on_any_template_trains(body, model, tmp_path):
    """The other way in: parameters in a data set, posed on the device."""
    joints, components = len(body.parents), body.shapedirs.shape[-1]
    sample = recording(FRAMES)
    kept = replace(
        sample,
        body=fingerprint(body),
        betas=sample.betas[:, : min(10, components)],
        rotations=np.resize(sample.rotations, (FRAMES, 2, joints, 3)),
        reference_rotations=np.resize(sample.reference_rotations, (2, joints, 3)),
    )
    count = model.config.dit.points
    write_shard(tmp_path / "000000.tar", {"clip": pack(kept, EXACT)}.items())
    told = condition_clip(Shards(tmp_path, count, [body])(0, FRAMES, 32, 48), model)
    assert told.points.shape == (1, FRAMES, 2 * count, 3)
    assert told.visible.all()
    latents = torch.zeros(1, 16, 2, 4, 6)
    assert model.dit(latents, torch.ones(1), told).isfinite().all()
