"""Filters on a million customers, run by the program and by handwritten plans."""
