"""`run_all(configs)`: who trains which run, and that each record is kept. Knows no figure and no claim."""
