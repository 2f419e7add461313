"""How a run is reported: as text, with or without a terminal, or as JSON lines. The only code that prints."""
