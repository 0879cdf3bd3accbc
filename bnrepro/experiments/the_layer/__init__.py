"""Notebook 00: is the layer the one that the paper describes? Sections 2, 3, 3.1, 3.2 and 3.3, a number and a picture each."""

TITLE = "The layer"
FIRST_LOOK = True
