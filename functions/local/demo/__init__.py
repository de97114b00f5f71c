"""The whole story on one machine: push, see it live, push again under load, read where to look next."""
