"""What a generation leaves: its files, what they say of themselves, and their people for other programs."""
