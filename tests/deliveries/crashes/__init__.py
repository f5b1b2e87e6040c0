"""Crash test: processes are killed while transitions set off deliveries, points and rewards."""
