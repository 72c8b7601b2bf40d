"""The z-buffer against cases that can be worked out by hand."""

import torch

from isa_engine.data.rendering.splat import nearest_sample


def buffer(pixels, depth, turned_away=None, in_front=True, height=8, width=8):
    pixels, depth = torch.tensor([pixels], dtype=torch.float32), torch.tensor([depth])
    turned_away = torch.tensor([turned_away or [False] * depth.numel()])
    in_front = torch.full_like(turned_away, in_front)
    return nearest_sample(pixels, depth, in_front, turned_away, height, width)[0]


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
    assert (buffer([[4.0, 4.0]], [1.0], in_front=False) == -1).all()


def test_frames_do_not_mix():
    pixels = torch.tensor([[[1.0, 1.0]], [[6.0, 6.0]]])
    yes = torch.ones(2, 1, dtype=torch.bool)
    index = nearest_sample(pixels, torch.ones(2, 1), yes, ~yes, 8, 8)
    assert index[0, 1, 1] == 0
    assert index[0, 6, 6] == -1
    assert index[1, 6, 6] == 0


def test_a_hole_shows_the_pixels_around_it_and_not_the_far_side():
    # A near side with a gap between its two samples, and a far side without one.
    near, far = [[2.0, 4.0], [5.0, 4.0]], [[float(x), 4.0] for x in range(1, 8)]
    shown = buffer(far + near, [2.0] * 7 + [1.0] * 2, [True] * 7 + [False] * 2)
    assert set(shown[3:5, 1:6].flatten().tolist()) == {7, 8}
    assert (shown[:3] == -1).all()


def test_through_a_hole_in_somebody_nobody_farther_is_seen():
    somebody, far_side, farther = [[2.0, 4.0], [5.0, 4.0]], [[3.5, 4.0]], [[3.5, 4.0]]
    shown = buffer(somebody + far_side + farther, [1.0, 1.0, 1.2, 3.0], [False, False, True, False])
    assert 3 not in shown


def test_a_gap_of_a_pixel_is_closed_where_no_far_sides_are_given():
    pixels = torch.tensor([[[2.0, 4.0], [5.0, 4.0], [5.0, 1.0]]])
    yes = torch.ones(1, 3, dtype=torch.bool)
    index = nearest_sample(pixels, torch.tensor([[1.0, 2.0, 2.0]]), yes, None, 8, 8)[0]
    # The farther of the two beside it: a gap is not a piece of what stands before it.
    assert index[4, 3] == 1
    assert index[0, 3] == -1
    assert index[6, 3] == -1
