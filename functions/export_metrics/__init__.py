"""Answers Prometheus with totals of the platform."""
