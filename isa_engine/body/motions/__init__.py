"""Motions, from the files of others and our own, onto SMPL-X's joints; the bundled clips."""
