"""Tekton as the builder."""
