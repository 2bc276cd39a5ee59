"""The benchmark: what a gateway costs in front of the same model, measured side by side."""
