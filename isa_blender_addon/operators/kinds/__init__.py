"""Kinds of operators: that end at once, that last, that wait for work elsewhere, that read the scene."""
