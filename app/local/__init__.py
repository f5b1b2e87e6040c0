"""`segments up`: mongod, Valkey, the API and a worker as supervised child processes."""
