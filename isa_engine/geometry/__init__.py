"""Where things are: cameras, normalised device coordinates, frame windows and surface points.

Most modules need numpy only; ``plucker``, ``normal_maps`` and ``depth_keys`` need torch. The conventions of
the whole project are decided in these modules and nowhere else; ``docs/architecture.md`` lists them.
"""
