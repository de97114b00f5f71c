"""The CloudEvents of Slipway: one frozen class per type, dev.slipway.<noun>.<past participle>.v1.

`catalogue` maps a type to its class without importing the modules of the others, since what is
imported is what a function costs to wake.
"""
