"""Model upstreams that fail on purpose: a product feature.

Owns the fault catalogue as scripts and a server that plays them on real sockets.
"""
