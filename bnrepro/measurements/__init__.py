"""What is measured in a run besides loss and accuracy. Knows no figure and no claim."""
