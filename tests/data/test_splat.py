"""The z-buffer against cases that can be worked out by hand."""

import torch

from isa_engine.data.splat import nearest_sample


def buffer(pixels, depth, height=8, width=8):
    pixels, depth = torch.tensor([pixels], dtype=torch.float32), torch.tensor([depth])
    return nearest_sample(pixels, depth, torch.ones_like(depth, dtype=torch.bool), height, width)[0]


def test_the_nearer_sample_hides_the_other_in_any_order():
    place = [[4.0, 4.0], [4.0, 4.0]]
    assert buffer(place, [2.0, 1.0])[4, 4] == 1
    assert buffer(place, [1.0, 2.0])[4, 4] == 0


def test_a_sample_covers_the_four_pixels_around_it_and_no_other():
    shown = buffer([[3.2, 5.4]], [1.0]) == 0
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[4:6, 2:4] = True
    assert torch.equal(shown, expected)


def test_what_is_off_the_picture_or_behind_the_camera_is_nowhere():
    assert (buffer([[-3.0, 4.0], [40.0, 2.0]], [1.0, 1.0]) == -1).all()
    behind = torch.zeros(1, 1, dtype=torch.bool)
    assert (nearest_sample(torch.full((1, 1, 2), 4.0), torch.ones(1, 1), behind, 8, 8) == -1).all()


def test_frames_do_not_mix():
    pixels = torch.tensor([[[1.0, 1.0]], [[6.0, 6.0]]])
    index = nearest_sample(pixels, torch.ones(2, 1), torch.ones(2, 1, dtype=torch.bool), 8, 8)
    assert index[0, 1, 1] == 0
    assert index[0, 6, 6] == -1
    assert index[1, 6, 6] == 0
