"""Notebook 03, Figures 2 and 3, section 3.3: what rates does BN permit, and what are they worth?"""

TITLE = "Learning rates"
