"""The state of a host: the questions, what the answers mean, and the screen."""
