"""Notebook 05: does BN make training less dependent on initialization?"""

TITLE = "Initialization"
