"""Notebook 06: what does the size of the mini-batch do to BN?"""

TITLE = "Batch size"
