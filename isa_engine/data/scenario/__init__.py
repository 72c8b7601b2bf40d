"""What a clip is drawn from: motions, gestures, paths of cameras, and what of these training sees."""
