"""Notebook 07: do running averages represent the population?"""

TITLE = "Statistics at inference"
