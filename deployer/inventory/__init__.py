"""What the operator wrote about a host: read, checked as a whole, and frozen before any connection.

`names` and `schedule` answer yes or no, `grammar` makes types of them, `sections` and `model` are the file's shape,
`rules` are what several keys must agree on, `load` reads and reports, `create` writes a new one.
"""
