"""The OpenAI-compatible server side.

Owns HTTP: keys, limits, heartbeats, and what a client is told. Refuses to know how an
answer was obtained.
"""
