"""Multi-head attention (Eqs. 3 to 6), and its use for conditions (Eqs. 21, 23).

Tokens come in groups, ``(B, groups, length, d)``, and a token attends only within its own group. Spatial
attention groups by latent frame, temporal attention by place in the picture.
"""

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from torch import nn

# CUDA's attention kernels put groups on a grid axis of at most 65,535; a call with more of them fails.
_MOST_GROUPS = 2**15
# Groups of at most this many query-key pairs are computed element by element, which is faster there than a
# kernel made for long groups: a single frame has one query and two keys for each of 65,000 points. A higher
# limit would send clips of 9 frames this way too, and they would need another compiled graph of every block.
_FEW_PAIRS = 2


class Attention(nn.Module):
    """Multi-head attention, softmax(QKᵀ/√d_head)V, with its projections.

    ``queries``, ``keys_values`` and ``attend`` can be called apart, since interspatial attention regroups the
    tokens between them.

    Args:
        width: d, features of a token.
        heads: attention heads; their number divides the width.
        qk_norm: RMS-normalise the queries and keys of each head, as SD3.5 does.
        maskable: add one learned key and value that is never masked and stands for "nothing there": without
            it a query whose keys are all masked would have a softmax of nothing, NaN.
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
        """Attention within each group, before the output projection.

        Args:
            queries, keys, values: ``(B, groups, length, heads, d / heads)``.
            seen: ``(B, groups, key length)`` bool, false where a key is masked, or
                ``(B, groups, query length, key length)``, for each query by itself; needs ``maskable``.

        Returns:
            ``(B, groups, query length, d)``.
        """
        if self.nothing is not None:
            nothing = self.nothing.to(keys.dtype)[:, None, None, None].expand(-1, *keys.shape[:2], 1, -1, -1)
            keys, values = torch.cat([nothing[0], keys], 2), torch.cat([nothing[1], values], 2)
        if seen is not None:
            seen = nn.functional.pad(seen if seen.ndim == 4 else seen[:, :, None], (1, 0), value=True)
        attend = one_by_one if is_short(queries.shape[2], keys.shape[2]) else _dispatched
        return attend(queries, keys, values, seen).flatten(-2)

    def forward(
        self,
        x: torch.Tensor,
        context: torch.Tensor,
        seen: torch.Tensor | None = None,
        across: bool = False,
    ) -> torch.Tensor:
        """Tokens attend to a context.

        Args:
            x: ``(B, groups, n, d)``.
            context: ``(B, groups, m, d)``.
            seen: ``(B, groups, m)`` bool, false where a token of the context is masked.
            across: swap the second and third axes first: attend across groups, each place by itself.

        Returns:
            ``(B, groups, n, d)``.
        """
        queries, (keys, values) = self.queries(x), self.keys_values(context)
        if not across:
            return self.to_out(self.attend(queries, keys, values, seen))
        queries, keys, values = (part.transpose(1, 2) for part in (queries, keys, values))
        attended = self.attend(queries, keys, values, None if seen is None else seen.transpose(1, 2))
        return self.to_out(attended.transpose(1, 2))


class ConditionAttention(nn.Module):
    """``x + CrossAttention(LayerNorm(x), condition)``; a no-op until trained, since ``ISADiT`` starts its
    output projection at zero."""

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
    """Whether groups of so many queries and keys go through ``one_by_one`` rather than a kernel."""
    return queries * keys <= _FEW_PAIRS


def one_by_one(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, seen: torch.Tensor | None
) -> torch.Tensor:
    """softmax(QKᵀ/√d_head)V of ``(B, groups, length, heads, d / heads)``, element by element.

    Args:
        seen: ``(B, groups, 1 or query length, key length)`` bool, or None.
    """
    scores = (queries[:, :, :, None] * keys[:, :, None]).sum(-1) * queries.shape[-1] ** -0.5
    if seen is not None:
        scores = scores.masked_fill(~seen[..., None], float("-inf"))
    # Under autocast the softmax is float32 whatever its scores are.
    weights = scores.softmax(3).to(values.dtype)
    return (weights[..., None] * values[:, :, None]).sum(3)


def _dispatched(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, seen: torch.Tensor | None
) -> torch.Tensor:
    """As ``one_by_one``, by the kernel that diffusers chooses, at most ``_MOST_GROUPS`` groups a call."""
    groups = [part.flatten(0, 1).split(_MOST_GROUPS) for part in (queries, keys, values)]
    masks = [None] * len(groups[0])
    if seen is not None:
        masks = seen.flatten(0, 1)[:, None].split(_MOST_GROUPS)
    attended = [
        dispatch_attention_fn(*some, attn_mask=mask) for *some, mask in zip(*groups, masks, strict=True)
    ]
    whole = attended[0] if len(attended) == 1 else torch.cat(attended)
    return whole.unflatten(0, queries.shape[:2])
