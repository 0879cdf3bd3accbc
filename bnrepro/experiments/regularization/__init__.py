"""Notebook 04, sections 3.4 and 4.2.1, Figure 4: does BN regularize?"""

TITLE = "Regularization"
