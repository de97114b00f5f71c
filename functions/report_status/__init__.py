"""Shows at each commit what became of it."""
