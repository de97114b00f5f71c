"""The words of Slipway as frozen values; pure, no input or output."""
