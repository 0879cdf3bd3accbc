"""Notebook 01, Figure 1(a): does BN reach the same accuracy in fewer steps?"""

TITLE = "Training speed"
FIRST_LOOK = True
