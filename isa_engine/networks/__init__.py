"""What all networks share: weights in files, and torchvision's gaps."""
