"""What forges send: one file for each forge, and what they have in common."""
