"""Figures of reliability that take long: `python -m tests.hard` measures them all, and no `make test` collects them."""
