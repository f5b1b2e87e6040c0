"""A million customers, and the questions that are put to them."""
