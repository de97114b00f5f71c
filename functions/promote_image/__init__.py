"""Releases images: numbers the release and asks the deployer for its workload."""
