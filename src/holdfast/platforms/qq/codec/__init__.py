"""PURE: QQ's JSON to messages of no platform and back, and what its error codes mean."""
