"""Notebook 05: does BN make training less dependent on initialization?"""

TITLE = "Initialization"
FIRST_LOOK = True
