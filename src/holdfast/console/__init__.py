"""The web page: built files and the headers they are served with.

Owns what a browser loads. Refuses to know what the page asks for: its data comes from
`platforms.webchat` and `gateway`.
"""
