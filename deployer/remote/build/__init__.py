"""Images of a release: built of a commit, here or on the operator's machine; pulled; accepted by the host."""
