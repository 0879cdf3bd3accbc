"""What the record says: verdicts, the README's generated parts, all figures, one HTML page. Trains nothing."""
