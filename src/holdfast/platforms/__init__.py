"""Chat platforms, each in a room of its own, independent of one another."""
