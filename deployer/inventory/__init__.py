"""What the operator wrote about a host: read, checked completely, and frozen before any connection.

`locations`, `formats` and `schedule` answer yes or no; `validators` and `grammar` make types of them; `sections`,
`application` and `model` are the tables of NAME.toml with their descriptions; `rules` holds between several keys;
`secrets_file` reads NAME.env; `mistakes` and `corrections` word what is wrong; `load` puts them together; `host_files`
finds files; `create` writes them; `describe`, `documents` and `json_schema` document the tables.
"""

import os

# pydantic looks through all installed packages for plug-ins when it is imported: 12 ms of each run, for none.
# https://docs.pydantic.dev/latest/concepts/plugins/
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
