"""The same bot in a browser: no credentials, live from the journal.

Owns the HTTP interface that the page in `web/` speaks. Refuses to know models: it hands
messages to the bus and shows what turns wrote.
"""
