"""Holdfast: an AI chat server that never loses an answer and never hides a reason."""

__version__ = "0.1.0"
