"""How TensorFlow and Keras are loaded, set and compiled. Knows no layer of ours, no config and no run."""
