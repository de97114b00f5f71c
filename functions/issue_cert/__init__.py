"""Keeps certificates for the hosts that are wanted."""
