"""Data sets: where they come from, their splits, and which examples are in which mini-batch. Knows no model, no Keras."""
