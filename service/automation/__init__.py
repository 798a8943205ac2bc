"""What happens by itself: when a quarter ends, when something falls due, and when something has changed."""
