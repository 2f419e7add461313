"""What a visitor and an attacker see, looked at from the operator's machine.

Nothing is imported here: a run that does not look from outside does not pay for TLS, HTTP and DNS libraries.
"""
