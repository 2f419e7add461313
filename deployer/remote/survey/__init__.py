"""What the operator's side asks of a host, answered by one process."""
