"""Compares what is with what should be, and sends the events that are missing."""
