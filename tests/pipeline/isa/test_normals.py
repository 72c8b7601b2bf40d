"""Normal maps from a shot and from a training clip: the same pictures."""

from dataclasses import replace

import numpy as np
import torch

from isa_engine.body import open_body
from isa_engine.data.clips.clip import Clip
from isa_engine.data.samples.encoding import condition_clip
from isa_engine.data.samples.sources import Batches, KeptSamples, Samples
from isa_engine.geometry.normal_maps import normal_maps, point_normals
from isa_engine.geometry.surface import surface_table
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.matte import projected_matte
from isa_engine.shot import Character, Shot
from tests.pipeline.shots import make_shot

CANVAS = 48, 32


def clip_of(shot: Shot) -> Clip:
    """What the renderer would film; balls know their own normals."""
    points = torch.as_tensor(np.stack([character.points for character in shot.characters], 1))
    centres = (points.amax(2, keepdim=True) + points.amin(2, keepdim=True)) / 2
    width, height = CANVAS
    video = torch.zeros(3, shot.frames, height, width)
    intrinsics, camera = torch.as_tensor(shot.intrinsics), torch.as_tensor(shot.camera_to_world)
    return Clip(
        video=video,
        background=video,
        mask=video[0].long(),
        points=points,
        normals=torch.nn.functional.normalize(points - centres, dim=-1),
        intrinsics=intrinsics.float(),
        camera_to_world=camera.float(),
        references=video[:, 0][None],
        reference_of=torch.zeros(len(shot.characters), dtype=torch.long),
        reference_points=points[0],
        reference_intrinsics=intrinsics[:1].float(),
        reference_camera_to_world=camera[:1].float(),
        fps=24.0,
    )


def test_a_shot_and_a_clip_of_the_same_balls_have_the_same_maps(model_in_2d):
    shot = make_shot()
    of_shot = condition_shot(shot, model_in_2d).normal_maps
    of_clip = condition_clip(clip_of(shot), model_in_2d).normal_maps
    assert of_shot.shape == of_clip.shape == (1, 2, 48, 4, 6)
    assert of_shot.any()
    # A coarse ball's triangles lean a little.
    assert (of_shot - of_clip).abs().mean() < 0.02


def test_each_window_holds_its_frames(model_in_2d):
    maps = condition_shot(make_shot(6), model_in_2d).normal_maps[0]
    frames = maps.unflatten(1, (4, -1))
    each = [condition_shot(make_shot(1), model_in_2d).normal_maps[0, 0, :12]]
    assert torch.equal(frames[0], each[0].expand(4, -1, -1, -1))
    assert not torch.equal(frames[1, 3], frames[2, 0])
    # Frame 5 is the last, and the rest of its window repeats it.
    assert torch.equal(frames[2], frames[2, :1].expand(4, -1, -1, -1))
    assert not torch.equal(frames[1, 0], frames[1, 3])


def test_a_map_shows_nobody_on_a_frame_on_which_they_are_hidden(model_in_2d):
    shot = make_shot(5)
    first, second = shot.characters
    away = replace(second, shown=np.array([True, True, True, True, False]))
    maps, alone = (
        condition_shot(replace(shot, characters=cast), model_in_2d).normal_maps[0].unflatten(1, (4, -1))
        for cast in ((first, away), (first,))
    )
    assert torch.equal(maps[1, 3], alone[1, 3])
    assert not torch.equal(maps[1, 2], alone[1, 2])


def test_a_model_with_points_has_no_maps(model):
    assert condition_shot(make_shot(), model).normal_maps.shape[2] == 0
    assert condition_clip(clip_of(make_shot()), model).normal_maps.shape[2] == 0


def test_the_map_of_a_person_is_as_large_as_its_matte():
    body = open_body()
    table = surface_table(body.v_template, body.faces)
    points = table.points(body.v_template)[:, [0, 2, 1]] * np.float32([1, -1, 1])
    shot = make_shot(1, centres=((0, 0, 0),))
    person = Character("Anna", points[None] + np.float32([0, -2, 0.2]), table.triangles)
    shot = replace(shot, characters=(person,))
    matte = next(projected_matte(shot, (96, 96)))[..., 0] > 127
    posed = torch.as_tensor(person.points)
    normals = point_normals(posed, torch.as_tensor(table.triangles).long())
    cameras = torch.as_tensor(shot.intrinsics), torch.as_tensor(shot.camera_to_world)
    map_ = normal_maps(posed[:, None], normals[:, None], *cameras, 96, 96)[0]
    shown = (map_.norm(dim=0) > 0).numpy()
    assert (shown & matte).sum() > 0.85 * (shown | matte).sum()
    # Skin that is seen faces the camera.
    assert (map_[2][shown] > 0).float().mean() > 0.98


def test_maps_go_through_kept_samples_and_mixed_batches(model_in_2d, tmp_path):
    def clips(seed: int, frames: int, height: int, width: int) -> Clip:
        return clip_of(make_shot(frames, centres=((-0.6, 0, 0), (0.7, 0.4, 0.1))[: 1 + seed % 2]))

    samples = KeptSamples(Samples(model_in_2d, clips, model_in_2d.config.dit.points), tmp_path, 4)
    made, kept = samples([1], 5, 32, 48), samples([1], 5, 32, 48)
    assert torch.equal(made[1].normal_maps, kept[1].normal_maps)
    assert made[1].normal_maps.any()
    latents, mixed, _ = Batches(samples, 8, (5,), (CANVAS,))(0)
    assert mixed.normal_maps.shape == (4, 2, 48, *latents.shape[3:])
    velocity = model_in_2d.dit(latents, torch.rand(4), mixed)
    assert velocity.isfinite().all()
