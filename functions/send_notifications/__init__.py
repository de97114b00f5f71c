"""Sends notifications of events to the channels of an app."""
