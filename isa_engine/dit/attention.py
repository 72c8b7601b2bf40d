"""Multi-head attention (Eqs. 3 to 6), and its use for conditions (Eqs. 21, 23).

Tokens come in groups, ``(B, groups, length, d)``; a token sees its own group alone. Spatial attention groups
by latent frame, temporal attention by place.
"""

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from torch import nn


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
        batch_and_groups = queries.shape[:2]
        if self.nothing is not None:
            nothing = self.nothing.to(keys.dtype)[:, None, None, None].expand(-1, *keys.shape[:2], 1, -1, -1)
            keys, values = torch.cat([nothing[0], keys], 2), torch.cat([nothing[1], values], 2)
        mask = None
        if seen is not None:
            mask = nn.functional.pad(seen, (1, 0), value=True).flatten(0, 1)[:, None, None]
        attended = dispatch_attention_fn(
            queries.flatten(0, 1), keys.flatten(0, 1), values.flatten(0, 1), attn_mask=mask
        )
        return attended.flatten(-2).unflatten(0, batch_and_groups)

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
