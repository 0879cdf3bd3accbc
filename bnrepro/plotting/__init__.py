"""How figures look and how they are kept. Knows no experiment, no Keras."""
