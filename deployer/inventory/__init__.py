"""What the operator wrote about a host: read, checked as a whole, and frozen before any connection.

`names`, `texts` and `schedule` answer yes or no; `validators` and `grammar` make types of them; `sections`
and `model` are the shape of NAME.toml; `rules` is what several keys must agree on; `environment` reads
NAME.env; `mistakes` says what is wrong; `load` puts them together; `hosts` finds files; `create` writes them.
"""

import os

# pydantic looks through all installed packages for plug-ins when it is imported: 12 ms of each run, for none.
# https://docs.pydantic.dev/latest/concepts/plugins/
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
