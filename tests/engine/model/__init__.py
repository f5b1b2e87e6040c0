"""A shop to which everything happens at once, and what its log of transitions must be."""
