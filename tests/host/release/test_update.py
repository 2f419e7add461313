"""Updates and rollbacks on a real host with TLS: nothing is mixed, forgotten or left over."""

import json
from pathlib import Path

import pytest

from tests.host.release.conftest import Site
from tests.support.releasing import API, ROOT, Updated, parts
from tests.support.traffic.running import DOMAIN

pytestmark = pytest.mark.full(share=0.3)


def rewrite(site: Updated, old: str, new: str) -> None:
    """Change the inventory."""
    path = site.deployment.inventory / "web.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_releases(site: Site) -> None:
    """The run does what the dry run said; nothing to do; the list; how many are kept; back, and forth again."""
    updated = site(releases="retain = 2\nsettle = 1")
    (settings,) = updated.deployment.ok("update", "--dry-run").whys("would change")
    assert "/.deployer/remote.json" in settings
    first = updated.repository.head
    second = updated.commit("2")
    foreseen = updated.deployment.ok("update", "--dry-run")
    assert updated.version == "1"
    done = updated.update()
    assert done.whys("changed") == foreseen.whys("would change")
    assert second[:12] in str(done.whys("changed"))
    nothing = updated.update()
    assert (nothing.recap["changed"], nothing.recap["round_trips"]) == (0, 1)
    third = updated.commit("3")
    updated.update()
    states = {str(release["commit"]): release["state"] for release in updated.releases}
    assert states == {first: "gone", second: "kept", third: "serves"}
    tags = updated.deployment.host.exec("docker image ls --format '{{.Tag}}' biometric-did-backend").stdout.split()
    assert sorted(tag.partition("-")[0] for tag in tags) == sorted(["current", second[:12], third[:12]])
    refused = updated.deployment.json("rollback", "--to", first[:12])
    assert refused.exit_code == 2
    updated.deployment.ok("rollback")
    assert updated.version == "2"
    refused = updated.deployment.json("rollback")
    assert (refused.exit_code, "no previous release" in refused.out) == (2, True)
    updated.deployment.ok("rollback", "--to", third[:10])
    assert updated.version == "3"
    assert updated.left_over == {}


def test_refs(site: Site) -> None:
    """A branch, a tag and a commit; history rewritten; local changes refused by name; a ref that is none."""
    updated = site(releases="settle = 0")
    host = updated.deployment.host
    updated.commit("2")
    updated.repository.tag("v2")
    third = updated.commit("3")
    updated.update("--ref", "v2")
    assert updated.version == "2"
    updated.update("--ref", third)
    assert updated.version == "3"
    updated.repository.rewrite({"release.json": json.dumps({"version": "3b", "break": ""})})
    updated.update()
    assert updated.version == "3b"
    refused = updated.deployment.json("update", "--ref", "nowhere")
    assert (refused.exit_code, "has no branch, tag or commit nowhere" in refused.out) == (1, True)
    updated.commit("4")
    host.exec(f"echo mine >>{ROOT}/src/requirements.txt")
    refused = updated.deployment.json("update")
    assert (refused.exit_code, "local changes: requirements.txt" in refused.out) == (1, True)
    assert updated.version == "3b"


def test_rollback_of_environment_and_configuration(site: Site) -> None:
    """An added variable disappears again, a changed nginx setting returns; a secret that was made since stays."""
    updated = site(releases="settle = 0", environment='FIXTURE_SHOW = "ADDED,KEPT"\nKEPT = "1"')
    host = updated.deployment.host
    updated.update()
    env, secrets = f"grep -v SECRET {ROOT}/.env", f"grep SECRET {ROOT}/.env | sha256sum"
    before = host.exec(env).stdout, host.exec(f"cat {ROOT}/nginx/nginx.conf {ROOT}/docker-compose.yml").stdout
    updated.commit("2")
    rewrite(updated, 'KEPT = "1"', 'KEPT = "2"\nADDED = "yes"')
    rewrite(updated, 'rate_limit = "off"', 'rate_limit = "50r/s"')
    updated.update()
    assert shown(updated) == {"ADDED": "yes", "KEPT": "2"}
    assert "limit_req_zone" in host.exec(f"cat {ROOT}/nginx/nginx.conf").stdout
    kept = host.exec(secrets).stdout
    updated.deployment.ok("rollback")
    assert updated.version == "1"
    assert shown(updated) == {"ADDED": None, "KEPT": "1"}
    after = host.exec(env).stdout, host.exec(f"cat {ROOT}/nginx/nginx.conf {ROOT}/docker-compose.yml").stdout
    assert after == before
    assert host.exec(secrets).stdout == kept
    assert (
        "limit_req_zone" not in host.exec("docker exec biometric-did-nginx-1 cat /etc/nginx/deployer/nginx.conf").stdout
    )


def shown(site: Updated) -> dict[str, str | None]:
    """The variables that the application shows, as it has them."""
    found: dict[str, str | None] = json.loads(site.visitor.ask(API, "/api/settings").body)
    return found


def test_a_gate_that_fails_leaves_everything_as_it_was(site: Site) -> None:
    """A setting through `provision`, a broken release through `update`: exit 4, files and images as before."""
    updated = site(releases="settle = 1", environment='FIXTURE_SHOW = "KEPT"\nKEPT = "1"')
    host = updated.deployment.host
    updated.update()
    files = f"cd {ROOT} && sha256sum .env *.yml nginx/nginx.conf nginx/conf.d/*.conf; docker image ls -q | sort"
    before = host.exec(files).stdout
    rewrite(updated, 'KEPT = "1"', 'KEPT = "2"\nFIXTURE_BREAK = "import"')
    refused = updated.deployment.json("provision", "--no-verify")
    assert refused.exit_code == 4
    assert "biometrics_moved_elsewhere" in refused.out
    assert host.exec(files).stdout == before
    rewrite(updated, 'KEPT = "2"\nFIXTURE_BREAK = "import"', 'KEPT = "1"')
    assert updated.deployment.ok("provision", "--no-verify").whys("changed") == []
    updated.commit("2", broken="import")
    refused = updated.deployment.json("update")
    assert refused.exit_code == 4
    assert (updated.version, updated.left_over) == ("1", {})
    failed = [release for release in updated.releases if release["state"] == "failed"]
    assert [release["why"] for release in failed] == ["the health gate failed"] * 2
    updated.commit("3")
    updated.update()
    assert updated.version == "3"


def test_two_updates_at_once(site: Site) -> None:
    """One deploys, the other is told who does; what cron does meanwhile waits for it."""
    updated = site()
    host = updated.deployment.host
    updated.commit("2")
    first = updated.deployment.start("update", "--json")
    host.exec("timeout 60 bash -c 'until [ -e /run/deployer/biometric-did.lock.holder ]; do sleep 0.05; done'")
    host.exec(f"nohup setsid bash -c '{ROOT}/.deployer/bin/renew; echo $? >/root/renew.code' >/dev/null 2>&1 &")
    refused = updated.deployment.json("update")
    assert refused.exit_code == 6
    assert "running 'update' since" in refused.out
    assert host.exec("ls /root/renew.code", check=False).stdout == ""
    out, err = first.communicate(timeout=300)
    assert first.returncode == 0, out + err
    assert updated.version == "2"
    host.exec("timeout 60 bash -c 'until [ -s /root/renew.code ]; do sleep 0.1; done'")
    assert host.exec("cat /root/renew.code").stdout == "0\n"


def test_an_open_page_finds_its_files(site: Site) -> None:
    """A browser that loaded the old index gets the old assets after an update, one that loads the new the new."""
    updated = site(releases="settle = 0")
    old = updated.stylesheet
    before = updated.visitor.ask(DOMAIN, old)
    assert before.status == 200
    updated.commit("2")
    updated.update()
    new = updated.stylesheet
    assert new != old
    again = updated.visitor.ask(DOMAIN, old)
    assert (again.status, again.body) == (200, before.body)
    assert again.all("Cache-Control") == before.all("Cache-Control")
    assert again.all("Content-Type") == before.all("Content-Type")
    assert updated.visitor.ask(DOMAIN, new).status == 200
    assert b"/* 2 */" in updated.visitor.ask(DOMAIN, new).body


HOOKS = """\
before_switch = ["sh", "-c", "echo migrating to $(cat /app/release.json); touch /app/data/migrated"]
after_switch = ["sh", "-c", "echo after >>/app/data/hooks"]
on_failure = ["sh", "-c", "echo failed >>/app/data/hooks"]"""


def test_hooks(site: Site) -> None:
    """They run in the new container; a failing one stops the update and the old release serves on."""
    updated = site(hooks=HOOKS, releases="settle = 0")
    host = updated.deployment.host
    updated.commit("2")
    updated.update()
    assert updated.version == "2"
    assert host.exec(f"ls {ROOT}/data/migrated; cat {ROOT}/data/hooks").stdout.split() == [
        f"{ROOT}/data/migrated",
        "after",
    ]
    for hook in ("before_switch", "after_switch"):
        text = (updated.deployment.inventory / "web.toml").read_text()
        line = next(line for line in text.splitlines() if line.startswith(hook))
        rewrite(updated, line, f'{hook} = ["sh", "-c", "echo cannot migrate; exit 7"]')
        updated.commit(f"3 {hook}")
        refused = updated.deployment.json("update")
        assert refused.exit_code == 4, refused
        assert "cannot migrate" in refused.out
        assert "exit code 7" in refused.out
        assert (updated.version, updated.left_over) == ("2", {})
        rewrite(updated, f'{hook} = ["sh", "-c", "echo cannot migrate; exit 7"]', line)
    assert host.exec(f"cat {ROOT}/data/hooks").stdout.split() == ["after", "failed", "failed"]


def test_one_that_must_not_run_twice(site: Site, tmp_path: Path) -> None:
    """overlap = false: the old one is stopped first, never are there two; a failure starts it again."""
    updated = site(backend="overlap = false", releases="settle = 0")
    host = updated.deployment.host
    watch = "while :; do docker ps -q --filter label=com.docker.compose.service=backend-api | wc -l; sleep 0.1; done"
    host.exec(f"nohup setsid bash -c '{watch}' >/root/seen 2>&1 & echo $! >/root/watch.pid")
    updated.commit("2")
    done = updated.update()
    print(f"\n{parts(done)}")
    assert "with downtime, since backend.overlap = false" in str(done.whys("changed"))
    assert parts(done)["gap"] > 0
    assert updated.version == "2"
    updated.commit("3", broken="import")
    refused = updated.deployment.json("update")
    assert refused.exit_code == 4
    assert updated.version == "2"
    assert set(
        host.exec("kill -- -$(cat /root/watch.pid) || kill $(cat /root/watch.pid); cat /root/seen").stdout.split()
    ) <= {"0", "1"}
    assert updated.left_over == {}


def test_another_proxy(site: Site) -> None:
    """Its configuration is reloaded; another image is the one case with a restart: said before, done last, measured."""
    updated = site(releases="settle = 0")
    host = updated.deployment.host
    updated.deployment.ok("provision", "--no-verify")
    host.exec("docker tag nginx:alpine nginx:other")
    rewrite(updated, 'rate_limit = "off"', 'rate_limit = "off"\nimage = "nginx:other"')
    foreseen = updated.deployment.ok("update", "--dry-run")
    assert (
        "replace the proxy's container by one of nginx:other, with about a second" in foreseen.whys("would change")[-1]
    )
    done = updated.update()
    assert done.whys("changed") == foreseen.whys("would change")
    print(f"\nwithout an answer for {parts(done)['gap']} s")
    assert 0 < parts(done)["gap"] < 30
    assert updated.version == "1"
    assert (
        host.exec("docker ps --filter label=com.docker.compose.service=nginx --format '{{.Image}}'").stdout
        == "nginx:other\n"
    )
    assert updated.left_over == {}
    assert updated.deployment.ok("provision", "--no-verify").whys("changed") == []
