"""Images built on the operator's machine and sent to the host (build.where = "operator")."""
