"""The paas command: speaks HTTP to manage-apps."""
