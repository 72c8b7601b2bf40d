"""What all networks share: their weights in files, and a torchvision that any build of torch can import."""
