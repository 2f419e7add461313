"""The certificate on the host: made, obtained, renewed and installed for the proxy."""
