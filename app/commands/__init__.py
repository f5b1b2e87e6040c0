"""The commands of the command line, one module each, and the checks of `segments doctor`."""
