"""What a model makes of a clip, with its baselines and its ceiling: videos and plates."""
