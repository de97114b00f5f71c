"""Everything of Slipway that runs."""
