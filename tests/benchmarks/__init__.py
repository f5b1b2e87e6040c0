"""Measured by hand, never in CI: each module compares with a named baseline in the same run."""
