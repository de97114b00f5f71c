"""Compares the actual state with the desired one, and publishes the events that were lost."""
