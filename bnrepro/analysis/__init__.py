"""From tables to statistics: curves, pairs, intervals, claims, the paper's own numbers. Knows no Keras and no figure."""
