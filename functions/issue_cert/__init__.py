"""Keeps certificates for the hosts of apps."""
