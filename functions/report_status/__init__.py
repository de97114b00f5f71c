"""Shows the state of a push at its commit."""
