"""The first line of every file that the tool owns."""

MARKER = "managed by deployer: changes are overwritten"
