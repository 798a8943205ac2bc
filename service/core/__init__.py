"""What every part stands on, and nothing about plans: time, history, databases, HTTP manners."""
