"""What one machine has in place of a cluster."""
