"""Notebook 09: the largest rate at which plain dense nets train, and how fast they are at their best one."""

TITLE = "Higher learning rates: how high, and what they are worth"
FIRST_LOOK = True
