"""The parts for one machine: a real mongod, a real Valkey, and what keeps them running."""
