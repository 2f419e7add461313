"""The state of a host: the questions, the answers decoded, what is wrong, and the screen."""
