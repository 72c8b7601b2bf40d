"""What may go wrong with a shot, found before it leaves; each finding is a sentence with what mends it.

``glance`` looks at settings and pictures and is cheap enough for drawing a panel; ``check_shot`` looks at
every frame of a shot that was read. The checks of a shot need no Blender.
"""

from .shot import check_shot

__all__ = ["check_shot"]
