"""How long a test waits for what should happen soon."""

PATIENCE_SECONDS = 50.0
"""Enough for a busy machine, and less than MongoDB takes to end a killed process's transaction."""
