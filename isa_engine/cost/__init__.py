"""What a model costs: the products of its networks, counted from the configuration alone, without torch."""
