"""What happens to a message before a model is asked, each thing a small function."""
