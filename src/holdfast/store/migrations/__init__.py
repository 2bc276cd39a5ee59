"""How older databases become the present one, step by step, forward only."""
