"""`run(config)`: a config in, tables out, many steps in one compiled program. Knows no figure and no claim."""
