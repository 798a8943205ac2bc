"""The data set of the first partnership: its board report of 10 December 2018."""
