"""Three updates and a rollback in a row, on a real host with TLS, under all the traffic that the machine can make."""

from pathlib import Path

import pytest

from tests.host.release.conftest import Site
from tests.support.releasing import API, parts
from tests.support.traffic.proof import proved_once
from tests.support.traffic.running import UNBOUNDED, traffic

LEAST_REQUESTS = 20_000
"""With other tests beside it a machine makes about 45,000: how many is printed, none of them may fail."""
BACKEND, WALLET, PROXY = "backend-api", "demo-wallet", "nginx"


@pytest.mark.full(share=0.5)
@pytest.mark.parametrize("replicas", [1, 3])
def test_no_request_is_dropped(replicas: int, site: Site, tmp_path: Path) -> None:
    """Nothing fails, every POST runs once, nothing is left over."""
    updated = site(backend=f"replicas = {replicas}", releases="drain = 15")
    updated.deployment.ok("provision", "--no-verify")
    with traffic(updated.visitor.address, updated.visitor.trusted, tmp_path, rate=UNBOUNDED) as running:
        for version in ("2", "3", "4"):
            updated.commit(version)
            print(f"\nupdate to {version}: {parts(updated.update())}")
            assert updated.version == version
        print(f"rollback: {parts(updated.deployment.ok('rollback'))}")
        assert updated.version == "3"
    counts = running.counts
    print(f"{counts.summary()}\n{proved_once(updated.visitor, API, counts)}")
    assert counts.failures == 0
    assert counts.in_all >= LEAST_REQUESTS
    assert set(counts.versions) == {"1", "2", "3", "4"}
    assert updated.containers == [*[BACKEND] * replicas, WALLET, PROXY]
    assert updated.left_over == {}
    assert updated.deployment.ok("provision", "--no-verify").whys("changed") == []
