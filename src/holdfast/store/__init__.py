"""What must survive a crash.

Owns the database. Refuses to know who asks.
"""
