"""What all networks share: weights from files, diffusers' folders, and torchvision's gaps."""
