"""How scripts reach a host: over SSH (`ssh`) or on this machine (`local`).

Nothing above this package imports fabric or paramiko.
"""
