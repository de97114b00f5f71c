"""A real Kubernetes on one bare machine, built from Go modules: `task cluster:up`."""
