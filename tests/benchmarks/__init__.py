"""Benchmarks, run by hand. Each compares the program with a baseline in the same run."""
