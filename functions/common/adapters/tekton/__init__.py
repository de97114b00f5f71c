"""Tekton as a builder."""
