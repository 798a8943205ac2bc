"""Measuring the service under load: `python -m bench`, or `make bench`. See README.md."""
