"""What takes the steps."""

import copy

import pytest
import torch

from isa_engine.errors import ModelError
from isa_engine.training.runs.optimizers import Muon, make_optimizer, orthogonal
from tests.training.operators import Operators


@pytest.mark.parametrize("shape", [(48, 48), (40, 400), (400, 40)])
def test_a_step_of_a_matrix_is_all_but_orthogonal_and_along_it(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    step = orthogonal(matrix[None])[0]
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    along = left.T @ step @ right.T
    values = along.diagonal()
    assert 0.6 < values.min() < values.max() < 1.3
    assert (along - values.diag()).abs().max() < 1e-3


def test_kernels_and_matrices_learn_by_muon_and_all_else_by_adamw():
    torch.manual_seed(0)
    kernel, narrow, bias = torch.randn(64, 32, 3, 3), torch.randn(16, 256), torch.randn(64)
    parameters = [torch.nn.Parameter(value.clone()) for value in (kernel, narrow, bias)]
    others = [torch.nn.Parameter(value.clone()) for value in (narrow, bias)]
    muon = make_optimizer("muon", parameters, 0.01)
    adamw = make_optimizer("adamw", others, 0.01)
    for _ in range(3):
        for group, optimizer in ((parameters, muon), (others, adamw)):
            for parameter in group:
                parameter.grad = parameter.detach() ** 3
            optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(parameters[1:], others, strict=True))
    step = (parameters[0] - kernel).flatten(1)
    # Three steps of 0.2 √288 · 0.01 along orthonormal directions.
    values = torch.linalg.svdvals(step.detach()) / (3 * 0.01 * 0.2 * 288**0.5)
    assert 0.6 < values.min() < values.max() < 1.3


def test_matrices_of_one_shape_take_the_steps_that_each_would_alone():
    torch.manual_seed(0)
    shapes = [(48, 96), (96, 48), (48, 96), (32, 32), (64, 32, 3, 3), (48, 96), (64, 288), (40,), (8, 90)]
    weights = [torch.randn(shape) for shape in shapes]
    together = [torch.nn.Parameter(weight.clone()) for weight in weights]
    apart = [torch.nn.Parameter(weight.clone()) for weight in weights]
    optimizer = Muon(together, 0.02, weight_decay=0.1)
    others = [Muon([parameter], 0.02, weight_decay=0.1) for parameter in apart]
    for _ in range(3):
        for one, other in zip(together, apart, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        # One that no loss reaches keeps still.
        together[5].grad = apart[5].grad = None
        for each in (optimizer, *others):
            each.step()
    assert torch.equal(together[5], weights[5])
    for one, other, weight in zip(together, apart, weights, strict=True):
        assert (one - other).abs().max() <= 1e-6
        assert one is together[5] or not torch.equal(one, weight)


def test_a_step_of_many_matrices_calls_no_more_kernels_than_one_of_few():
    def calls(count: int) -> int:
        parameters = [torch.nn.Parameter(torch.randn(48, 64)) for _ in range(count)]
        optimizer = Muon(parameters, 0.02)
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
        optimizer.step()
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
        with Operators() as operators:
            optimizer.step()
        assert not operators.waits
        return operators.kernels

    assert calls(24) == calls(3)


def test_a_wide_least_squares_problem_is_solved_and_resumes_bit_for_bit():
    torch.manual_seed(0)
    target, inputs = torch.randn(40, 64), torch.randn(64, 64)

    def solve(weight, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = ((weight - target) @ inputs).pow(2).mean()
            loss.backward()
            optimizer.step()
        return loss.item()

    weight = torch.nn.Parameter(torch.zeros(40, 64))
    optimizer = Muon([weight], 0.2, weight_decay=0.0)
    first = solve(weight, optimizer, 1)
    solve(weight, optimizer, 20)
    other = torch.nn.Parameter(weight.detach().clone())
    resumed = Muon([other], 0.2, weight_decay=0.0)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert solve(weight, optimizer, 30) < 0.1 * first
    solve(other, resumed, 30)
    assert torch.equal(weight, other)


def test_an_unknown_optimiser_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match=r"no optimiser 'sgd'.*adamw, muon"):
        make_optimizer("sgd", [torch.nn.Parameter(torch.zeros(2))], 0.1)
