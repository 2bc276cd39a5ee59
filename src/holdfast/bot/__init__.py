"""From a platform's event to a delivered reply.

Owns conversations, access, commands, texts and delivery. Refuses to know any platform's frames
and any model's words.
"""
