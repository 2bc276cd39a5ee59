"""Failures and time to decisions.

Owns the machine of one call, the planner, budgets, health and the splice of a continued
answer. Refuses I/O, clocks and randomness: time and jitter are arguments.
"""
