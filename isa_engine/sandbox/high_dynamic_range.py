"""Video of high dynamic range (ITU-R BT.2100, as phones film) as an sRGB screen shows it.

The white of paper, 203 cd/m² (BT.2408), is near the screen's white; what is brighter is bent to below it, and
keeps its hue.
"""

from functools import lru_cache

import numpy as np

# FFmpeg's numbers of the transfer curves, and of BT.2020's primaries.
PQ, HLG = 16, 18
CURVES = PQ, HLG
_BT2020 = 9
# cd/m², of the white of paper and of HLG's brightest; from this share of white on light is bent.
_WHITE, _HLG_PEAK, _KNEE = 203.0, 1000.0, 0.7
# Of light in BT.2020's primaries as light in sRGB's (BT.2087); luminance in BT.2020's.
_TO_SRGB = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_LUMINANCE = np.array([0.2627, 0.678, 0.0593], np.float32)


def as_srgb(pixels: np.ndarray, curve: int, primaries: int) -> np.ndarray:
    """A frame for an sRGB screen.

    Args:
        pixels: ``(H, W, 3)`` uint16, RGB by the curve.
        curve: of ``CURVES``.
        primaries: FFmpeg's number.

    Returns:
        ``(H, W, 3)`` uint8 sRGB.
    """
    light = _light(curve)[pixels]
    if curve == HLG:
        # What the scene's light is on a screen (BT.2100's OOTF of 1.2).
        light *= (_HLG_PEAK / _WHITE) * np.maximum(light @ _LUMINANCE, 1e-6)[..., None] ** 0.2
    if primaries == _BT2020:
        light = np.maximum(light @ _TO_SRGB.T, 0)
    brightest = light.max(-1, keepdims=True)
    above = np.maximum(brightest - _KNEE, 0) / (1 - _KNEE)
    bent = np.minimum(brightest, _KNEE) + (1 - _KNEE) * above / (1 + above)
    light *= bent / np.maximum(brightest, 1e-6)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255 * encoded.clip(0, 1)).astype(np.uint8)


@lru_cache(maxsize=len(CURVES))
def _light(curve: int) -> np.ndarray:
    """``(65536,)`` float32, light of each number: of PQ as shares of white, of HLG as of the scene's most."""
    signal = np.linspace(0, 1, 2**16)
    if curve == PQ:
        root = signal ** (1 / 78.84375)
        shown = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        found = 10_000 * shown ** (1 / 0.1593017578125) / _WHITE
    else:
        found = np.where(
            signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
        )
    return found.astype(np.float32)
