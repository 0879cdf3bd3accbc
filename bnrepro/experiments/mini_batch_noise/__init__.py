"""Notebook 10, section 3.4: does the noise of mini-batches regularize, and does BN stand in for Dropout?"""

TITLE = "Regularization: mini-batch noise and Dropout"
FIRST_LOOK = True
