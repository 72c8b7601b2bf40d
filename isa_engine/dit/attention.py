"""Multi-head attention (Eqs. 3 to 6), and its use for conditions (Eqs. 21, 23).

Tokens come in groups, ``(B, groups, length, d)``; a token sees its own group alone. Spatial attention groups
by latent frame, temporal attention by place.
"""

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from torch import nn

# CUDA's attention kernels count groups on a grid's axis of at most 65,535, and fail beyond.
_MOST_GROUPS = 2**15
# Pairs of a query and a key in a group, up to which their products one by one are faster than any kernel made
# for long groups: single frames have one query and two keys for each of 65,000 points. With more pairs, clips
# of 9 frames would take another compiled graph of every block.
_FEW_PAIRS = 2


class Attention(nn.Module):
    """softmax(QKᵀ/√d_head)V with projections; its three steps are apart so that ISA can regroup between.

    Args:
        width, heads: of the tokens.
        qk_norm: RMS-normalise queries and keys a head, as SD3.5 does.
        maskable: add one learned key and value that is never masked, for "nothing there": a query whose
            every key is masked still has an answer.
    """

    def __init__(self, width: int, heads: int, qk_norm: bool, maskable: bool = False):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.Linear(width, width)
        head = width // heads
        self.norm_q = nn.RMSNorm(head, eps=1e-6) if qk_norm else nn.Identity()
        self.norm_k = nn.RMSNorm(head, eps=1e-6) if qk_norm else nn.Identity()
        self.nothing = nn.Parameter(torch.randn(2, heads, head) * head**-0.5) if maskable else None

    def queries(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., d)`` to ``(..., heads, d / heads)``."""
        return self.norm_q(self.to_q(x).unflatten(-1, (self.heads, -1)))

    def keys_values(self, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``(..., d)`` to two of ``(..., heads, d / heads)``."""
        keys = self.norm_k(self.to_k(context).unflatten(-1, (self.heads, -1)))
        return keys, self.to_v(context).unflatten(-1, (self.heads, -1))

    def attend(
        self,
        queries: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        seen: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """
        Args:
            queries, keys, values: ``(B, groups, length, heads, d / heads)``.
            seen: ``(B, groups, key length)`` bool, false where a key is masked; needs ``maskable``.

        Returns:
            ``(B, groups, query length, d)`` before the output projection.
        """
        if self.nothing is not None:
            nothing = self.nothing.to(keys.dtype)[:, None, None, None].expand(-1, *keys.shape[:2], 1, -1, -1)
            keys, values = torch.cat([nothing[0], keys], 2), torch.cat([nothing[1], values], 2)
        if seen is not None:
            seen = nn.functional.pad(seen, (1, 0), value=True)
        attend = one_by_one if is_short(queries.shape[2], keys.shape[2]) else _dispatched
        return attend(queries, keys, values, seen).flatten(-2)

    def forward(
        self,
        x: torch.Tensor,
        context: torch.Tensor,
        seen: torch.Tensor | None = None,
        across: bool = False,
    ) -> torch.Tensor:
        """Tokens ``(B, groups, n, d)`` look at ``(B, groups, m, d)``: ``(B, groups, n, d)``.

        With ``across`` the groups are those tokens that stand at one place of the third axis.
        """
        queries, (keys, values) = self.queries(x), self.keys_values(context)
        if not across:
            return self.to_out(self.attend(queries, keys, values, seen))
        queries, keys, values = (part.transpose(1, 2) for part in (queries, keys, values))
        attended = self.attend(queries, keys, values, None if seen is None else seen.transpose(1, 2))
        return self.to_out(attended.transpose(1, 2))


class ConditionAttention(nn.Module):
    """``x + CrossAttention(LayerNorm(x), condition)``; starts as a no-op."""

    def __init__(self, width: int, heads: int, qk_norm: bool, maskable: bool = False):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, qk_norm, maskable)

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor, seen: torch.Tensor | None = None
    ) -> torch.Tensor:
        """``(B, groups, n, d)`` and ``(B, groups, m, d)`` to ``(B, groups, n, d)``."""
        return x + self.attention(self.norm(x), condition, seen)


def is_short(queries: int, keys: int) -> bool:
    """Whether groups of so many are attended to without products of matrices."""
    return queries * keys <= _FEW_PAIRS


def one_by_one(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, seen: torch.Tensor | None
) -> torch.Tensor:
    """softmax(QKᵀ/√d_head)V of ``(B, groups, length, heads, d / heads)``, element by element.

    Args:
        seen: ``(B, groups, key length)`` bool, or None.
    """
    scores = (queries[:, :, :, None] * keys[:, :, None]).sum(-1) * queries.shape[-1] ** -0.5
    if seen is not None:
        scores = scores.masked_fill(~seen[:, :, None, :, None], float("-inf"))
    # Under autocast the softmax is float32 whatever its scores are.
    weights = scores.softmax(3).to(values.dtype)
    return (weights[..., None] * values[:, :, None]).sum(3)


def _dispatched(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, seen: torch.Tensor | None
) -> torch.Tensor:
    """The same by diffusers' choice of a kernel, of no more groups at once than any takes."""
    groups = [part.flatten(0, 1).split(_MOST_GROUPS) for part in (queries, keys, values)]
    masks = [None] * len(groups[0])
    if seen is not None:
        masks = seen.flatten(0, 1)[:, None, None].split(_MOST_GROUPS)
    attended = [
        dispatch_attention_fn(*some, attn_mask=mask) for *some, mask in zip(*groups, masks, strict=True)
    ]
    whole = attended[0] if len(attended) == 1 else torch.cat(attended)
    return whole.unflatten(0, queries.shape[:2])
