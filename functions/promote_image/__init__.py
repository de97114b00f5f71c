"""Releases images: numbers the release and asks for the workload."""
