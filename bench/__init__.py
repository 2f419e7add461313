"""Measurements of whole processes, printed and never asserted."""
