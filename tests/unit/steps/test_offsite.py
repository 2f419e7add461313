"""9.3: credentials for the off-site repository, what they are compared by, and whose they are."""

from deployer.engine.changes import Script
from deployer.inventory.model import Inventory
from deployer.site.env import restics, secret_names
from deployer.steps import offsite, packages
from tests.support.fakes import inventory, planned, whys

from .hosts import converged, credentials, drifted, fresh

SECRETS = {"RESTIC_PASSWORD": "open-sesame-0815", "AWS_ACCESS_KEY_ID": "id", "SMTP_PASSWORD": "p"}
ENV = "/opt/biometric-did/.deployer/offsite.env"


def host(repository: str = "s3:https://s3.example.com/bucket", **secrets: str) -> Inventory:
    return inventory({**SECRETS, **secrets}, backup={"offsite": repository})


def test_fresh_host() -> None:
    """The values travel as a payload, and are neither in the script nor in what is told."""
    changes = planned(offsite, host(), fresh(offsite, host()))
    write = changes[-1]
    assert isinstance(write, Script)
    assert write.why == f"write {ENV} (absent), unless the repository refuses its password"
    assert write.payload
    assert write.payload.reveal().splitlines() == [f"{name}={value}" for name, value in restics(host()).items()]
    assert "open-sesame" not in write.script + write.why + write.diff + repr(write)


def test_what_differs_is_named() -> None:
    """By its name alone: a password that is another now, a key that is not needed any more."""
    other = credentials(host(RESTIC_PASSWORD="another", AWS_SESSION_TOKEN="t"))
    told = f"write {ENV} (RESTIC_PASSWORD, AWS_SESSION_TOKEN), unless the repository refuses its password"
    assert drifted(offsite, host(), credentials=other) == [told]


def test_others_may_read_it() -> None:
    """Mode and owner are mended alone."""
    open_to_all = credentials(host()).replace("600", "644")
    assert drifted(offsite, host(), credentials=open_to_all) == [f"set {ENV} to 0600 root:root (is 644 root:root)"]


def test_no_repository_any_more() -> None:
    """Its credentials do not stay."""
    answers = {**converged(offsite, inventory()), "credentials": credentials(host())}
    told = f"remove {ENV}: backup.offsite is not set any more"
    assert whys(planned(offsite, inventory(), answers)) == [told]


def test_whose_secrets_they_are() -> None:
    """Restic's alone where there is a repository; an application may have keys of its own for S3."""
    assert not {"RESTIC_PASSWORD", "AWS_ACCESS_KEY_ID"} & set(secret_names(host()))
    assert "SMTP_PASSWORD" in secret_names(host())
    assert "SMTP_PASSWORD" not in restics(host())
    without = secret_names(inventory(SECRETS))
    assert ("AWS_ACCESS_KEY_ID" in without, "RESTIC_PASSWORD" in without) == (True, False)


def test_packages() -> None:
    """What this kind of repository is reached by."""
    assert "restic" not in packages.wanted(inventory())
    assert packages.wanted(host())[-1] == "restic"
    assert packages.wanted(host("sftp:user@host:/path"))[-2:] == ("restic", "openssh-client")
    assert packages.wanted(host("rclone:remote:path"))[-2:] == ("restic", "rclone")
