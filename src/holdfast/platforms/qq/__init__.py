"""QQ's official bots (API v2): both ways of receiving, all ways of sending.

Owns the platform's frames, tokens, error codes and sessions. Refuses to decide when to send
what: that is `bot.delivery`'s. Sources: bot.q.qq.com/wiki/develop/api-v2 (2026-09).
"""
