"""Attacks on the broker and the functions: requests that once harmed them, and mutations of those."""
