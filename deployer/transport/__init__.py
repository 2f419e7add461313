"""How scripts reach a host: over SSH (`ssh`), or on this machine (`local`). Nothing above imports fabric or paramiko."""
