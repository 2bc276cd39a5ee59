"""Runs one turn: asks a model, calls tools, asks again.

Owns steps, tools and what a model is shown of a conversation. Refuses to know platforms and
people: it writes events into a journal, and others deliver them.
"""
