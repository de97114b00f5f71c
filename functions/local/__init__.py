"""The one-machine platform: the same functions, Triggers and events as on a cluster, as ordinary processes."""
