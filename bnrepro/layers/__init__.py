"""`BatchNormalization`, Algorithm 2, folding, and the paper's equations. Knows no config, no data set and no run."""
