"""Notebook 02, Figure 1(b, c): do the inputs of a sigmoid drift less with BN?"""

TITLE = "Activation drift"
FIRST_LOOK = True
