"""The CloudEvents of Slipway: one frozen class for each type, dev.slipway.<noun>.<past participle>.v1."""
