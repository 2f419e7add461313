"""The site: its containers, its environment, its proxy, its maintenance page, and the templates of its files."""
