"""Notebook 08: how does BN interact with Dropout and weight decay?"""

TITLE = "Dropout and weight decay"
