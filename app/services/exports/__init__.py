"""Export of the members of a segment: columns, row formats, file names and signed download URLs."""
