"""QQ's bot platform on real sockets, failing on purpose and keeping what people saw.

Owns the platform's rules, each a switch, and the ledger. Refuses to know the bot: it shares no
code with `platforms.qq`, so that one can prove the other. Start at `simulator.SimulatedQQ`.
"""
