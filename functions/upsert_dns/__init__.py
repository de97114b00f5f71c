"""Keeps DNS records what they should be."""
