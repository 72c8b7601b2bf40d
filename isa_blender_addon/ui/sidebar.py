"""The ISA tab of the 3D viewport's sidebar, in which our panels are.

Drawing reads what is known already and computes nothing that grows with the scene.
"""


class InSidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "ISA"
