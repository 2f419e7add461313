"""One run of a command on one or more hosts: options, hosts, prompts, and convergence."""
