"""Pure functions over text: quoting, versions, lines of .env, the marker of owned files."""
