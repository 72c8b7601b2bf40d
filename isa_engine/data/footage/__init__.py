"""Real video: tracks, masks and what makes footage fit for training; clips in the form of ``recording``."""
