"""Buttons of the cast: who plays, their pictures, their motions."""
