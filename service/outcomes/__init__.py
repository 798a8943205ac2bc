"""Outcome measures: indicators, what was observed, and how it compares."""
