"""The disk gets full, or read-only, while an update is at work: what served serves, also after restarts.

Once the disk is mended, so does the next update.
Each write of the host program is broken so in tests/unit/remote/release/test_full_disk.py; this is the whole of it on a
host: the proxy and the host are restarted on what the broken update left.
"""

import re

import pytest

from tests.host.release.conftest import Site
from tests.host.release.test_update_faults import await_jobs, converges, whole
from tests.support.halting import REACHED, Halt
from tests.support.interrupting import await_point
from tests.support.releasing import Updated, visitor_of
from tests.support.small_disk import TROUBLES, small_root

pytestmark = pytest.mark.full(share=0.15)

POINTS = ("build the image", "backend-api is to start", "the new ones settle", "the proxy is to be switched")
SETTINGS = "healthy_within = 20\nsettle = 5\ndrain = 15"


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("point", POINTS)
def test_what_served_serves(point: str, trouble: str, site: Site) -> None:
    """It survives a restart of the proxy, and of the host with what is on its disk then; the next update mends it."""
    updated = site(releases=SETTINGS)
    deployment = updated.deployment
    with small_root(deployment.host):
        updated.commit("2")
        broken_by(updated, point, trouble)
        assert whole(updated) == "1"
        if trouble == "read-only":  # a proxy that cannot write its log does not start
            deployment.host.exec(TROUBLES[trouble].mend)
        deployment.host.exec("docker restart biometric-did-nginx-1")
        deployment.await_site()
        assert whole(updated) == "1"
        if trouble == "full":
            deployment.host.exec(TROUBLES[trouble].mend)
    deployment.reboot()
    deployment.await_site()
    again = Updated(deployment, updated.repository, visitor_of(deployment, deployment.inventory))
    assert whole(again) == "1"
    converges(again, "2")


def broken_by(updated: Updated, point: str, trouble: str) -> None:
    """An update, at this point of which the disk gets into trouble: refused.

    On a full disk the configuration is put back as well; on one that is read-only that fails, and is said.
    """
    host = updated.deployment.host
    halt = Halt(host)
    halt.at_point(point)
    run = updated.deployment.start("update")
    await_point(updated.deployment, run, REACHED)
    host.exec(TROUBLES[trouble].begin)
    halt.go()
    out, err = run.communicate(timeout=400)
    print(f"\n{out[-3000:]}{err[-3000:]}")
    assert run.returncode in ({1, 4} if trouble == "full" else {1, 4, 5})
    assert re.search("o space left|disk is full|ead-only", out + err)
    halt.forget()
    await_jobs(host)
