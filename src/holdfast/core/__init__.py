"""The vocabulary: what a model stream says, what can go wrong, who was asked.

Owns values and the one table from failure kind to remedy. Refuses I/O, clocks and
randomness: time arrives as an argument, and nothing here imports another room.
"""
