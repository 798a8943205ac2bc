"""The progress rules, version 1, and the questions they answer."""
