"""How parts that overlap are blended, in time (``temporal_windows``) and in space (``tiles``)."""


def overlap_weights(length: int) -> list[int]:
    """The weight of each place of a part so long: largest in the middle, never zero."""
    return [min(k + 1, length - k) for k in range(length)]
