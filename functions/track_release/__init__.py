"""Records how releases proceed and end, as deployers report it."""
