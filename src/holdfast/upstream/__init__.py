"""The I/O that carries out decisions.

Owns connections to model endpoints (transport), one attempt (connector) and one call
(executor). Refuses to decide: what to try next is `resilience`'s word.
"""
