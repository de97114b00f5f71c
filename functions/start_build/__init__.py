"""Starts builds, and cancels those that are not wanted any more."""
