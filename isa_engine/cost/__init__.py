"""What a model costs: its operations, weights and memory, computed from its configuration without torch."""
