"""What the commands show: incidents as timelines, the demo, a chat.

Owns the terminal. Refuses to decide or to store: it draws what the rooms below say.
"""
