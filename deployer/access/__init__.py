"""How a server as vendors hand it out becomes one that the tool can log in to: the steps of `bootstrap`."""
