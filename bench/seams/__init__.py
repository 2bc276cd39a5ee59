"""The seam benchmark: how well continued answers are joined, against known texts."""
