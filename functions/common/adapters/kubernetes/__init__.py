"""Adapters of a Kubernetes cluster."""
