"""One file per resource the gateway serves."""
