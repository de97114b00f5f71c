"""Starts builds, and cancels builds that are no longer needed."""
