"""Quarterly reports: what is in them, their files, and when they are made."""
