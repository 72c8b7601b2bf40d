"""Where things are: cameras, normalised device coordinates, frame windows and surface points.

Everything here needs numpy only, but ``plucker``, which builds tensors. The conventions of the whole
project are decided in these modules and nowhere else; ``docs/architecture.md`` lists them.
"""
