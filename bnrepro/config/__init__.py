"""What a run is, frozen and checked, and its id. Knows no path, no Keras and no table."""
