"""The layers of ISA-DiT, and the ways in which a video goes through them."""

from collections.abc import Iterator

import torch
from torch import nn

from isa_engine.dit.isa_block import Piece
from isa_engine.dit.kept_points import KeptPoints
from isa_engine.dit.shared_windows import SharedWindows
from isa_engine.geometry.temporal_windows import TemporalWindows


class Layers(nn.ModuleList):
    """``ISABlock``s, one after the other."""

    # diffusers sets it in every module that has it, and the function beside it.
    gradient_checkpointing = False

    def forward(self, piece: Piece, kept: KeptPoints) -> Piece:
        """A whole video at once."""
        video, body, inputs = piece
        for block in self:
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                video, body, read = self._gradient_checkpointing_func(block, video, body, inputs)
            else:
                video, body, read = block(video, body, inputs, kept.stored())
            kept.keep(read)
        return Piece(video, body, inputs)

    def in_windows(
        self, pieces: Iterator[Piece], windows: TemporalWindows, kept: KeptPoints
    ) -> Iterator[Piece]:
        """A video in pieces (``ISABlock.in_windows``): a layer holds no more than a few windows of it."""
        for block in self:
            pieces = block.in_windows(pieces, windows, kept)
        return pieces

    def in_share(self, piece: Piece, windows: SharedWindows, kept: KeptPoints) -> Piece:
        """One worker's part of a video (``ISABlock.in_share``)."""
        for block in self:
            piece = block.in_share(piece, windows, kept)
        return piece
