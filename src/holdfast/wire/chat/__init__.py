"""The chat completions dialect, client side and server side."""
