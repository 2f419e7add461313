"""Drills in process, with a Docker that pretends to run the copy."""
