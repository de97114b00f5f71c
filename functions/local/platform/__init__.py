"""The processes of one machine under one process manager."""
