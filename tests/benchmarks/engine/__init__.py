"""The engine at a million customers."""
