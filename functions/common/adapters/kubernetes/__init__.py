"""A Kubernetes cluster behind the ports."""
