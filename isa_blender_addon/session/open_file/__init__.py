"""Takes of the open file: found when it is opened, brought into its scenes, moved as it is first saved."""
