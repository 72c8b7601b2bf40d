"""The processes that generate, here or on a cluster's nodes, and what keeps them alive."""
