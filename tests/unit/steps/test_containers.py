"""7.4 Start containers: facts in, changes out. What the changes do is proved on a host."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from deployer.engine.changes import Change, Note, OutsideCheck, Script
from deployer.inventory.model import Inventory
from deployer.releases.serving import configuration
from deployer.site.compose import BACKEND, WALLET
from deployer.steps import containers
from tests.support.fakes import inventory, planned, script_of, whys

from .hosts import (
    IDS,
    all_containers,
    built,
    chosen,
    container,
    converged,
    current,
    drifted,
    env,
    fresh,
    history,
    recorded,
)

HOST = inventory()
THREE = inventory(backend={"replicas": 3})
SETTINGS = "roll out {} with other settings or another number of containers"
IMAGE = "roll out the new {} image"
OWN = "make the user of the backend's image the owner of /opt/biometric-did/logs and /opt/biometric-did/data"
CHECK = "check the site; roll back if it got worse"
FINISH = "stop the old containers once they have answered their last request"
RECORD = "record the release, and remove those beyond releases.retain"
OTHER = "9" * 40
NEWER = {BACKEND: "sha256:newer", WALLET: "sha256:newer-wallet"}


def replaced(service: str, reason: str) -> list[str]:
    return [f"{reason.format(service)} without downtime", CHECK, FINISH]


def started(*services: str) -> list[str]:
    return ["; ".join(f"start {service} and wait until it is healthy" for service in services)]


def with_container(host: Inventory, service: str, **other: str) -> str:
    return all_containers(host).replace(container(host, service), container(host, service, 1, **other))


def of_another_commit() -> dict[str, str]:
    """The answers of a host that serves one commit, with the images of another one built."""
    return {
        **converged(containers, HOST),
        "commit": OTHER,
        "images": built(HOST, BACKEND, WALLET)
        + built(HOST, BACKEND, WALLET, commit=OTHER, ids=NEWER)
        + current(HOST, BACKEND, WALLET),
    }


@dataclass(frozen=True)
class Called:
    """A call of the host program for a release: its action, the release that it describes, and what follows."""

    action: str
    target: dict[str, object]
    words: tuple[str, ...]


def called(item: Change | Note) -> Called:
    text = item.undo if isinstance(item, OutsideCheck) else script_of(item)
    _, found, rest = text.partition("remote.pyz release ")
    action, *words = shlex.split(rest) if found else ("",)
    described = bool(words) and words[0].startswith("{")
    return Called(action, json.loads(words[0]) if described else {}, tuple(words[described:]))


def roll_of(items: tuple[Change | Note, ...]) -> Called:
    (found,) = [called(item) for item in items if is_roll(item)]
    return found


def rolled(items: tuple[Change | Note, ...]) -> str:
    """The services that the roll-out of a plan brings."""
    return " ".join(roll_of(items).words)


@pytest.mark.parametrize("service", [BACKEND, WALLET])
class TestOneService:
    def test_absent(self, service: str) -> None:
        """It is started; the other one is left alone, and nobody looks from outside: it cannot be worse."""
        told = all_containers(HOST).replace(container(HOST, service), "")
        assert drifted(containers, HOST, containers=told) == started(service)
        items = planned(containers, HOST, {**converged(containers, HOST), "containers": told})
        assert rolled(items) == service

    @pytest.mark.parametrize("state", ["exited", "created", "restarting"])
    def test_stopped(self, service: str, state: str) -> None:
        """One that does not run serves nobody: there is no gap to avoid."""
        told = with_container(HOST, service, state=state, health="")
        assert drifted(containers, HOST, containers=told) == started(service)

    def test_unhealthy(self, service: str) -> None:
        """It is replaced, and the reason said."""
        told = with_container(HOST, service, health="unhealthy")
        assert drifted(containers, HOST, containers=told) == replaced(service, "replace the unhealthy {}")

    def test_not_yet_healthy(self, service: str) -> None:
        """One that has just been started (after a reboot) is no reason to act."""
        assert drifted(containers, HOST, containers=with_container(HOST, service, health="starting")) == []

    @pytest.mark.parametrize(("other", "reason"), [({"config": "0000"}, SETTINGS), ({"image": "sha256:old"}, IMAGE)])
    def test_started_with_other_settings(self, service: str, other: dict[str, str], reason: str) -> None:
        """Other settings or another image: replaced with no gap, and looked at from outside before the old one goes."""
        told = with_container(HOST, service, **other)
        assert drifted(containers, HOST, containers=told) == replaced(service, reason)

    def test_changed_by_hand(self, service: str) -> None:
        """A container that runs otherwise than its label says is named with what it runs with, and replaced."""
        told = with_container(HOST, service, restart="no")
        reason = f"replace {{}}, since biometric-did-{service}-1 runs with the restart policy no,"
        assert drifted(containers, HOST, containers=told) == replaced(service, reason)

    def test_not_named_by_the_proxy(self, service: str) -> None:
        """A container that runs and serves nobody is one of an update that was broken off: it does not count."""
        named = chosen(HOST).replace(f"biometric-did-{service}-1\n", "")
        assert drifted(containers, HOST, chosen=named) == started(service)

    @pytest.mark.parametrize("state", ["running", "exited", "created"])
    def test_left_over_copy(self, service: str, state: str) -> None:
        """One that the proxy does not name is cleared away, without touching the one that serves."""
        told = all_containers(HOST) + container(HOST, service, 2, state=state)
        wanted = [f"remove containers that an earlier run left: biometric-did-{service}-2"]
        assert drifted(containers, HOST, containers=told) == wanted
        (change,) = planned(containers, HOST, {**converged(containers, HOST), "containers": told})
        assert called(change).action == "finish"

    def test_image_that_is_not_there(self, service: str) -> None:
        """What section 7.4 builds first is rolled out in the same plan."""
        (other,) = {BACKEND, WALLET} - {service}
        assert replaced(service, IMAGE)[0] in drifted(containers, HOST, images=built(HOST, other))

    def test_current_names_another_image(self, service: str) -> None:
        """`current` is what a plain `up` of a person would start: it follows what serves."""
        told = built(HOST, BACKEND, WALLET) + current(HOST, BACKEND, WALLET, ids={**IDS, service: "sha256:other"})
        (change,) = planned(containers, HOST, {**converged(containers, HOST), "images": told})
        assert isinstance(change, Script)
        assert change.why == "tag the serving images as `current`"
        (line,) = change.script.splitlines()
        name = "biometric-did-backend" if service == BACKEND else "biometric-did-wallet"
        assert line.startswith(f"docker tag {name}:0123456789ab-")
        assert line.endswith(f" {name}:current")

    def test_current_is_wrong_beside_a_roll_out(self, service: str) -> None:
        """Of one that stays it is put right in the same plan: else the run would not end converged."""
        (rolls,) = {BACKEND, WALLET} - {service}
        told = {
            **converged(containers, HOST),
            "images": built(HOST, BACKEND, WALLET) + current(HOST, rolls),
            "containers": with_container(HOST, rolls, config="0000"),
        }
        name_it = "tag the serving images as `current`"
        items = planned(containers, HOST, told)
        assert whys(items) == [*replaced(rolls, SETTINGS), name_it]
        assert script_of(items[-1]).count("docker tag") == 1

    def test_no_current(self, service: str) -> None:
        """So it is where nobody named one."""
        (other,) = {BACKEND, WALLET} - {service}
        told = built(HOST, BACKEND, WALLET) + current(HOST, other)
        assert drifted(containers, HOST, images=told) == ["tag the serving images as `current`"]


class TestReplicas:
    def test_one_is_gone(self) -> None:
        """The service is brought to its number again."""
        fewer = all_containers(THREE).replace(container(THREE, BACKEND, 2), "")
        assert drifted(containers, THREE, containers=fewer) == replaced(BACKEND, SETTINGS)

    def test_more_are_wanted(self) -> None:
        """All are replaced together: they share one set of settings."""
        one = {**converged(containers, THREE), "chosen": chosen(THREE, 1), "containers": all_containers(HOST)}
        assert whys(planned(containers, THREE, one)) == replaced(BACKEND, SETTINGS)

    def test_fewer_are_wanted(self) -> None:
        """Likewise; what is too many ends with the old ones."""
        three = {**converged(containers, HOST), "chosen": chosen(THREE), "containers": all_containers(THREE)}
        items = planned(containers, HOST, three)
        assert whys(items) == replaced(BACKEND, SETTINGS)
        assert rolled(items) == BACKEND

    def test_time_for_each(self) -> None:
        """A roll-out of more containers may take longer."""

        def within(host: Inventory) -> int:
            (roll,) = [item for item in planned(containers, host, fresh(containers, host)) if is_roll(item)]
            assert isinstance(roll, Script)
            return roll.within

        assert within(THREE) > within(HOST) > 2 * 120


def is_roll(item: Change | Note) -> bool:
    return isinstance(item, Script) and called(item).action in ("roll", "roll-again")


class TestRelease:
    def test_another_commit(self) -> None:
        """Both services in one roll-out: there is never a mixture; then the look, the end of the old, the log."""
        items = planned(containers, HOST, of_another_commit())
        both = "; ".join(f"{IMAGE.format(service)} without downtime" for service in (BACKEND, WALLET))
        # The user of the new image is found out first.
        assert whys(items) == [OWN, both, CHECK, FINISH, RECORD]
        assert rolled(items) == f"{BACKEND} {WALLET}"

    def test_same_images_under_another_commit(self) -> None:
        """A commit that changes neither image replaces no container; it is recorded all the same."""
        told = {**of_another_commit()}
        told["images"] = built(HOST, BACKEND, WALLET, commit=OTHER) + current(HOST, BACKEND, WALLET)
        assert whys(planned(containers, HOST, told)) == [RECORD]

    def test_only_the_wallet_is_another(self) -> None:
        """The backend runs on."""
        told = {**of_another_commit()}
        there = built(HOST, BACKEND, WALLET, commit=OTHER, ids={**IDS, WALLET: "sha256:newer"})
        told["images"] = there + current(HOST, BACKEND, WALLET)
        items = planned(containers, HOST, told)
        assert whys(items) == [*replaced(WALLET, IMAGE), RECORD]
        assert rolled(items) == WALLET

    def test_services_as_roll_reads_them(self) -> None:
        """A line for each: service, upstream, port, replicas, overlap, image, check."""
        backend, wallet = str(
            roll_of(planned(containers, THREE, fresh(containers, THREE))).target["services"]
        ).splitlines()
        assert backend.split(" ")[:6] == [BACKEND, "backend", "8000", "3", "yes", backend.split(" ")[5]]
        assert wallet.split(" ")[:5] == [WALLET, "wallet", "80", "1", "yes"]
        assert ":none-" in backend
        assert " if command -v curl" in backend


class TestOverlap:
    def test_gap_is_said(self) -> None:
        """A backend that must not run twice is replaced with a gap; the plan does not hide it."""
        host = inventory(backend={"overlap": False})
        told = with_container(host, BACKEND, image="sha256:old")
        (why, *_) = drifted(containers, host, containers=told)
        assert why == f"{IMAGE.format(BACKEND)} with downtime, since backend.overlap = false"

    def test_wallet_has_none(self) -> None:
        """It is about the backend alone."""
        host = inventory(backend={"overlap": False})
        told = with_container(host, WALLET, image="sha256:old")
        assert drifted(containers, host, containers=told) == replaced(WALLET, IMAGE)


class TestFromOutside:
    def test_only_where_something_serves(self) -> None:
        """On a fresh host there is nothing to go back to."""
        items = planned(containers, HOST, fresh(containers, HOST))
        assert not [item for item in items if isinstance(item, OutsideCheck)]

    def test_goes_back_by_the_same_functions(self) -> None:
        """Its way back is the host program's, which gets the reason."""
        (look,) = [item for item in planned(containers, HOST, of_another_commit()) if isinstance(item, OutsideCheck)]
        assert (called(look).action, called(look).words) == ("go-back", ("the site got worse, seen from outside",))
        assert look.within > 610 + 60, (
            "it waits for requests in flight as long as the inventory may ask for, and for more"
        )


class TestKept:
    def test_newest_but_the_new_one(self) -> None:
        """releases.retain of them are kept, the new one among them: of the former ones the newest, one fewer."""
        host = inventory(releases={"retain": 3})
        told = {**fresh(containers, host), "history": history("", "e", "d", "c")}
        assert roll_of(planned(containers, host, told)).target["keep"] == ["e", "d"]

    def test_retain_one(self) -> None:
        """Only the new one."""
        host = inventory(releases={"retain": 1})
        told = {**fresh(containers, host), "history": history("", "e")}
        assert roll_of(planned(containers, host, told)).target["keep"] == []


def test_links_that_are_published() -> None:
    """What an older version kept of an image is removed, by its name, whether a release is due or not."""
    link = "/opt/biometric-did/nginx/assets/root"
    (why,) = drifted(containers, HOST, planted=f"{link}\n")
    assert why == f"remove what is no file from the wallet's files that the proxy publishes: {link}"


class TestDamagedLog:
    REPAIR = "repair /opt/biometric-did/.deployer/releases.jsonl "

    @pytest.mark.parametrize(
        ("told", "why"),
        [
            (history(recorded(HOST), damaged=2), "(2 damaged lines)"),
            (history(recorded(HOST), kept=("20260101_000000-0123456", "f")), "(no line for f)"),
            (history("", "e", damaged=1, kept=("e", "f")), "(1 damaged lines; no line for f)"),
        ],
    )
    def test_repaired(self, told: str, why: str) -> None:
        """It is named, and rebuilt from the releases that are kept."""
        found = drifted(containers, HOST, history=told)
        assert found[0] == f"{self.REPAIR}{why}: rebuilt from the releases that are kept, which all stay"

    def test_nothing_is_removed(self) -> None:
        """Whatever releases.retain says: a log that is not complete is no reason to remove a release."""
        host = inventory(releases={"retain": 1})
        told = {**fresh(containers, host), "history": history("", "e", damaged=1, kept=("a", "b", "e"))}
        assert roll_of(planned(containers, host, told)).target["keep"] == ["e", "a", "b"]


class TestRecord:
    @pytest.mark.parametrize(
        "told",
        [
            "",
            recorded(HOST, commit=OTHER),
            recorded(HOST, configuration="0123"),
            recorded(HOST, tags={BACKEND: "x:1", WALLET: "y:1"}),
        ],
    )
    def test_what_serves_is_not_in_the_log(self, told: str) -> None:
        """A release is known by commit, configuration and images: another one is recorded, nothing rolled."""
        assert drifted(containers, HOST, history=history(told)) == [RECORD]

    def test_wallets_files(self) -> None:
        """They are looked up before the switch of a roll-out, and without one when the release is recorded."""
        without = planned(containers, HOST, {**converged(containers, HOST), "history": "0\n\n"})[-1]
        rolled_out = planned(containers, HOST, of_another_commit())[-1]
        assert (called(without).action, called(rolled_out).action) == ("record-anew", "record")

    def test_restored(self) -> None:
        """A release that was gone back to is the one that serves."""
        assert drifted(containers, HOST, history=history(recorded(HOST, "restored"))) == []

    @pytest.mark.parametrize(
        "other",
        [
            {"environment": {"EXTRA": "1"}},
            {"nginx": {"rate_burst": 7}},
            {"nginx": {"rate_limit": "300r/m"}},
            {"backend": {"memory": "2G"}},
            {"site": {"domain": "example.com", "email": "a@example.com", "origins": ["https://a.example.org"]}},
        ],
    )
    def test_configuration(self, other: dict[str, object]) -> None:
        """Each file of a release is in its digest: .env's variables, compose, both files of nginx."""
        host = inventory(None, Path("/nowhere"), **other)
        assert configuration(host) != configuration(HOST)

    def test_secrets_are_not_in_the_digest(self) -> None:
        """A secret that was changed is no other configuration: it would tell of it."""
        host = inventory({"DB_PASSWORD": "x" * 40})
        assert configuration(host) == configuration(inventory({"DB_PASSWORD": "y" * 40}))

    def test_environment_is_kept_without_secrets(self) -> None:
        """What is recorded has [secret] in place of each, also of one that a person added."""
        told = env(HOST).replace("JWT_EXP", "SMTP_PASSWORD=[secret kept ]\nJWT_EXP")
        answers = {**converged(containers, HOST), "env": told, "history": "0\n\n"}
        lines = called(planned(containers, HOST, answers)[0]).target["environment"]
        assert {"SMTP_PASSWORD=[secret]", "API_SECRET_KEY=[secret]"} <= set(cast("list[str]", lines))


@pytest.mark.parametrize(
    "differing",
    [{"owners": "0:0\n0:0\n"}, {"owners": "1000:1000\n0:0\n"}, {"user": ""}, {"user": "sha256:old 1000:1000\n"}],
)
def test_directories_of_somebody_else(differing: dict[str, str]) -> None:
    """logs and data belong to the image's user, who is found out again for another image (A2)."""
    assert drifted(containers, HOST, **differing) == [OWN]


def test_users_of_several_images() -> None:
    """The file keeps a line for each image of the backend; the last one for an image counts."""
    told = "sha256:old 0:0\nsha256:aaa 0:0\nsha256:aaa 1000:1000\n"
    assert drifted(containers, HOST, user=told) == []


def test_fresh_host() -> None:
    """First the directories, then backend and wallet as one, then the log."""
    found = whys(planned(containers, HOST, fresh(containers, HOST)))
    assert found == [OWN, *started(BACKEND, WALLET), RECORD]


def test_containers_anew_of_a_kept_release() -> None:
    """Nothing is recorded then, so nothing of a new release may be left."""
    told = all_containers(HOST).replace(container(HOST, WALLET), "")
    (change,) = planned(containers, HOST, {**converged(containers, HOST), "containers": told})
    assert (called(change).action, called(change).words) == ("roll-again", ("demo-wallet",))
    behind_it = planned(containers, HOST, {**converged(containers, HOST), "containers": told, "history": "0\n\n"})
    assert (called(behind_it[0]).action, called(behind_it[0]).words) == ("roll", ("demo-wallet",))


def test_what_a_release_left_that_was_broken_off() -> None:
    """Without power after its containers were started, say: nothing is to be rolled, and its files are removed."""
    assert drifted(containers, HOST, begun="yes") == ["remove the files of a release that was interrupted"]
    assert drifted(containers, HOST, begun="yes", history=history("")) == [RECORD]
