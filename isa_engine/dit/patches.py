"""Latent pixels to tokens and back: a token holds patch × patch latent pixels.

The two orders differ, since SD3's weights have them so: its first layer is a convolution, whose channels come
first, and its last a linear map, whose channels come last.
"""

import torch
from einops import rearrange


def folded(latents: torch.Tensor, patch: int) -> torch.Tensor:
    """``(B, C, t, h, w)`` to ``(B, t, S, C · patch²)``."""
    return rearrange(latents, "B C t (r p) (c q) -> B t (r c) (C p q)", p=patch, q=patch)


def unfolded(tokens: torch.Tensor, patch: int) -> torch.Tensor:
    """``(B, t, h / patch, w / patch, patch² · C)`` to ``(B, C, t, h, w)``."""
    return rearrange(tokens, "B t r c (p q C) -> B C t (r p) (c q)", p=patch, q=patch)
