"""Where turns run: in this process, or on a cluster.

Owns lanes, the journal of every turn, and who may write it. Refuses to know what a turn does.
"""
