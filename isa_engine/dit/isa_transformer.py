"""The symmetric interspatial transformer (Eqs. 9, 12 to 14, Fig. 7)."""

import torch
from torch import nn

from isa_engine.dit.attention import Attention
from isa_engine.dit.near_points import NearPoints
from isa_engine.dit.point_windows import from_windows, to_windows
from isa_engine.dit.positional_encoding import place_features
from isa_engine.dit.transformer import Stream

# Scale of the first queries and keys: large enough that points at a pixel's own place outweigh all others
# together, and points half a picture away get no weight.
_SHARPNESS = 2.0


class ISATransformer(nn.Module):
    """Video tokens attend to points (implicit rendering), points to video tokens (implicit reconstruction).

    Args:
        width, heads, qk_norm: as in ``attention.Attention``.
        last: whether this is the last layer: nobody reads its points, so they are not updated.
    """

    def __init__(self, width: int, heads: int, qk_norm: bool, last: bool):
        super().__init__()
        self.rendering = Attention(width, heads, qk_norm, maskable=True)
        self.reconstruction = None if last else Attention(width, heads, qk_norm)
        self.video = Stream(width)
        self.points = Stream(width, residual=not last)

    def look_about(self) -> None:
        """Initialise queries and keys alike, so that both read nothing but ISPE: a pixel then attends to the
        points around it, and they to it, from the first training step. To learn that takes thousands.
        """
        for attention in (self.rendering, self.reconstruction):
            if attention is None:
                continue
            width = attention.to_q.in_features
            head = width // attention.heads
            features = place_features(width, head)
            weight = torch.zeros(attention.heads, head, width)
            weight[:, torch.arange(len(features)), features] = _SHARPNESS
            for linear in (attention.to_q, attention.to_k):
                nn.init.zeros_(linear.bias)
                with torch.no_grad():
                    linear.weight.copy_(weight.flatten(0, 1))

    def forward(
        self,
        video: torch.Tensor,
        points: torch.Tensor,
        video_modulation: torch.Tensor,
        points_modulation: torch.Tensor,
        visible: torch.Tensor | None,
        ispe: tuple[torch.Tensor, torch.Tensor] | None,
        near: NearPoints | None = None,
        reconstructs: bool = True,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Eq. 14 for the video, Eq. 13 for the points.

        Args:
            video: ``(B, t, S, d)``.
            points: ``(B, F, P, d)``.
            video_modulation, points_modulation: ``(B, 6, d)``.
            visible: ``(B, F, P)`` bool; video tokens never attend to the other points. None: all are.
            ispe: PE(s_ndc) ``(S, d)`` and PE(g_ndc) ``(B, F, P, d)``; None is the ablation without ISPE.
            near: the points that a video token looks at, where these are not all visible ones.
            reconstructs: whether the points attend to the video and are updated.

        Returns:
            video and points, of the same shapes.
        """
        pixels, projections = (None, None) if ispe is None else ispe
        z = self.video.attention_input(video, video_modulation, pixels)
        y = self.points.attention_input(points, points_modulation, projections)

        # Eq. 14
        keys, values = (to_windows(part) for part in self.rendering.keys_values(y))
        seen = None if visible is None else to_windows(visible)
        if near is not None:
            placeless = self.points.attention_input(points, points_modulation)
            pooled = self.rendering.keys_values(near.pooled(to_windows(placeless)))
            keys, values = (torch.cat(parts, 2) for parts in zip((keys, values), pooled, strict=True))
            seen = near.seen
        rendered = self.rendering.attend(self.rendering.queries(z), keys, values, seen)
        video = self.video(video, self.rendering.to_out(rendered), video_modulation)
        if self.reconstruction is None or not reconstructs:
            return video, points
        # Eq. 13
        queries = to_windows(self.reconstruction.queries(y))
        reconstructed = self.reconstruction.attend(queries, *self.reconstruction.keys_values(z))
        reconstructed = self.reconstruction.to_out(from_windows(reconstructed, points.shape[1]))
        return video, self.points(points, reconstructed, points_modulation)
