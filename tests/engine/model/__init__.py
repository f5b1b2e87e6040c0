"""Model test of the engine: random operations under faults, then a check of the transition log."""
