"""How a run is told: as text for people, with or without a terminal, or as JSON lines. The only code that prints."""
