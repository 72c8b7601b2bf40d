"""The transformer block of Eq. 7, modulated by the timestep (AdaLN-zero)."""

import torch
from torch import nn

from isa_engine.dit.attention import Attention


class FeedForward(nn.Sequential):
    """FFN of Eq. 7; four times as wide inside, as in SD3."""

    def __init__(self, width: int):
        super().__init__(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))


class Stream(nn.Module):
    """What one kind of token needs around an attention: norms, modulation, feed-forward.

    ``modulation`` is ``(B, 6, d)`` everywhere: shift, scale and gate of the attention, then of the
    feed-forward. Gates of zero make the block a no-op.

    Args:
        residual: False where the tokens are only looked at, so that ``forward`` has nothing to do.
    """

    def __init__(self, width: int, residual: bool = True):
        super().__init__()
        # The norms before attention and before the feed-forward have no weights, so one module serves both.
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.feed_forward = FeedForward(width) if residual else None

    def attention_input(
        self, x: torch.Tensor, modulation: torch.Tensor, position: torch.Tensor | None = None
    ) -> torch.Tensor:
        """``(B, groups, n, d)``, normalised, scaled and shifted.

        Args:
            position: added to the result; broadcast against it.
        """
        shift, scale, *_ = modulation[:, :, None, None].unbind(1)
        return self._modulated(x, shift if position is None else shift + position, scale)

    def forward(self, x: torch.Tensor, attended: torch.Tensor, modulation: torch.Tensor) -> torch.Tensor:
        """Both residual steps of Eq. 7, given the attention's answer ``(B, groups, n, d)``."""
        _, _, gate, shift, scale, gate_forward = modulation[:, :, None, None].unbind(1)
        x = torch.addcmul(x, gate, attended)
        return torch.addcmul(x, gate_forward, self.feed_forward(self._modulated(x, shift, scale)))

    def _modulated(self, x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(shift, self.norm(x), 1 + scale)


class Transformer(nn.Module):
    """Self-attention, then the feed-forward (Eq. 7).

    Args:
        across: attend across the frames, each place by itself, and not within a frame. Only queries, keys and
            values are regrouped: everything else keeps the order of the tokens.
    """

    def __init__(self, width: int, heads: int, qk_norm: bool, maskable: bool = False, across: bool = False):
        super().__init__()
        self.across = across
        self.attention = Attention(width, heads, qk_norm, maskable)
        self.stream = Stream(width)

    def forward(
        self,
        x: torch.Tensor,
        modulation: torch.Tensor,
        position: torch.Tensor | None = None,
        seen: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """``(B, frames, n, d)`` to the same shape.

        Args:
            x: ``(B, frames, n, d)``.
            modulation: ``(B, 6, d)``.
            position: added to the input of Q, K and V; broadcast against x.
            seen: ``(B, frames, n)`` bool, false where a token is masked as a key.
        """
        tokens = self.stream.attention_input(x, modulation, position)
        attended = self.attention(tokens, tokens, seen, self.across)
        return self.stream(x, attended, modulation)
