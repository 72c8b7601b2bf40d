"""The engine as Blender sees it: a process of its own or an address, and jobs in the background.

Nothing here imports bpy or blocks: the main thread starts things and reads how they stand.
"""
