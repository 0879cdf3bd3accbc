"""The corridor between training and analysis: tables, records and results on disk, and every path. Knows no Keras, no figure."""
