"""The grid: can one see the windows of pixels from which an autoencoder puts a picture together?"""

from torch import Tensor


def border_ratio(video: Tensor, side: int) -> float | None:
    """Mean change from pixel to pixel across the borders of windows, over that within them.

    Near 1 where no grid shows.

    Args:
        video: ``(3, F, H, W)``, H and W multiples of ``side``.
        side: of a window, in pixels.

    Returns:
        None where there is no border, or nothing changes within any window.
    """
    across, within = [], []
    for turned in (video, video.transpose(2, 3)):
        change = (turned[..., 1:] - turned[..., :-1]).abs().mean((0, 1, 2))
        across.append(change[side - 1 :: side])
        within += [change[place::side] for place in range(side - 1)]
    if not all(map(len, across)) or not sum(part.sum() for part in within) > 0:
        return None
    return (_mean(across) / _mean(within)).item()


def corner_ratio(video: Tensor, truth: Tensor, side: int) -> float | None:
    """Mean squared error in the corners of windows, over that in their inner quarter.

    1 if a window is as good everywhere. Windows at the picture's edge are left out: they are worse there for
    want of neighbours, which is something else.

    Args:
        video, truth: ``(3, F, H, W)``, H and W multiples of ``side``, which four divides.

    Returns:
        None where no window has neighbours all around, or nothing is wrong inside any.
    """
    error = (video - truth).square().mean((0, 1))[side:-side, side:-side]
    if not error.numel():
        return None
    error = error.unflatten(1, (-1, side)).unflatten(0, (-1, side)).mean((0, 2))
    inner = error[side // 4 : -side // 4, side // 4 : -side // 4].mean()
    if not inner > 0:
        return None
    return (error[:: side - 1, :: side - 1].mean() / inner).item()


def _mean(parts: list[Tensor]) -> Tensor:
    return sum(part.sum() for part in parts) / sum(map(len, parts))
