"""Apps that people start from, pushed to one machine: `task apps`."""
