"""The test cluster: its parts are built, started and ended here; what is tested stands beside it."""
