"""The rollout controller of the one-machine platform: releases as processes, traffic by Caddy."""
