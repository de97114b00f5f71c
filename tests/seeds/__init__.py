"""The documents that Slipway implements, followed line by line: `task seeds`."""
