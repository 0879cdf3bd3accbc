"""The nets of the paper and their seeded start. Knows no data, no training and no table."""
