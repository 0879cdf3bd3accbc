"""Speed, as ratios against what a user would write otherwise."""
