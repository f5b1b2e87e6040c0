"""Attacks on the API, with probes of what other clients notice."""
