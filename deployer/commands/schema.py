"""`schema`: the inventory's JSON Schema on standard output, for editors and pipelines."""

import json

from deployer.inventory.json_schema import schema as inventory_schema
from deployer.run.command import JSON, Choices, Command
from deployer.run.host_run import report_for


def schema(choices: Choices) -> int:
    found = inventory_schema()
    report_for(choices).data("schema", {"schema": found}, json.dumps(found, indent=2, ensure_ascii=False))
    return 0


COMMAND = Command(
    schema,
    (JSON,),
    examples=("> inventory/schema.json",),
)
