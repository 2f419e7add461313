"""A provisioned site with a repository of its own, to which releases are added."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.origin import publish
from tests.host.conftest import APPLICATION, Boot
from tests.support.releasing import Updated, visitor_of
from tests.support.tool import deployment

Site = Callable[..., Updated]


@pytest.fixture
def site(boot: Boot, bed: Bed, tmp_path: Path, provisioned_snapshot: str) -> Site:
    """Boots the host, given tables of its inventory; the repository has the commit that runs there."""

    def start(**changed: str) -> Updated:
        repository = publish(f"updates-{os.getpid()}-{tmp_path.name}", APPLICATION)
        host = boot("updated", from_snapshot=provisioned_snapshot)
        made = deployment(tmp_path / "inventory", host, bed, repository, **changed)
        made.await_site()  # a copied host has just been booted
        return Updated(made, repository, visitor_of(made, tmp_path))

    return start
