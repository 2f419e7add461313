"""`verify`: what a visitor and an attacker see, from outside, with the certificate checked."""

import time
from collections.abc import Mapping
from dataclasses import asdict

from deployer.errors import Context, DeployerError
from deployer.inventory.model import Inventory
from deployer.output.report import ShownNote, StepReport, Verdict
from deployer.run.command import COMMON, Choices, Command
from deployer.run.host_run import HostRun, on_hosts
from deployer.text.shell import sh
from deployer.transport.protocol import Transport
from deployer.verify.checks import Check
from deployer.verify.target import Site
from deployer.verify.verify import verify as look

SECTION = "7.5 Verify from outside"


def verify(choices: Choices) -> int:
    return on_hosts(choices, _verify)


def _verify(run: HostRun) -> int:
    verify_host(run)
    return 0


def verify_host(run: HostRun) -> None:
    """Raises DeployerError when a check failed."""
    began = time.monotonic()
    run.report.begin(SECTION, f"asking {run.host.site.domain} as a visitor does")
    checks = look(site(run.host, run.transport))
    failed = tuple(check for check in checks if check.verdict == "fail")
    for check in checks:
        run.report.data("check", asdict(check), _text(run, check))
    run.verdicts.add("failed" if failed else "unchanged")
    warnings = (check for check in checks if check.verdict == "warning")
    notes = tuple(ShownNote(f"{check.name}: {check.evidence}", check.remedy) for check in warnings)
    verdict: Verdict = "failed" if failed else "unchanged"
    run.report.step(StepReport("verify", SECTION, verdict, notes=notes, seconds=time.monotonic() - began))
    if failed:
        raise _failure(run.host, failed)


def seen_wrong(run: HostRun) -> Mapping[str, str]:
    """What is wrong with the site at this moment, for one who compares: by name of the check, what was seen."""
    checks = look(site(run.host, run.transport))
    return {check.name: check.evidence for check in checks if check.verdict == "fail"}


def _text(run: HostRun, check: Check) -> str:
    return f"              {check.verdict}: {check.name}: {check.evidence}" if run.choices.flag("verbose") else ""


def _failure(host: Inventory, failed: tuple[Check, ...]) -> DeployerError:
    return DeployerError(
        "\n".join(f"{check.name}: {check.evidence}" for check in failed),
        remedy="\n".join(dict.fromkeys(check.remedy for check in failed if check.remedy)),
        context=Context(host=host.host_name, step=SECTION),
    )


def site(host: Inventory, transport: Transport) -> Site:
    """What to look at. Only a self-signed certificate has to be fetched from the host, to be pinned."""
    return Site(
        domain=host.site.domain,
        api_domain=host.site.api_domain,
        aliases=host.site.aliases,
        address=host.public_address,
        health_path=host.backend.health_path,
        mode=host.tls.mode,
        content_security_policy=host.content_security_policy,
        trusted_pem=_trusted(host, transport),
        nameservers=host.site.nameservers,
        origins=host.origins,
    )


def _trusted(host: Inventory, transport: Transport) -> str | None:
    if host.tls.mode == "self-signed":
        return transport.run(sh("cat", host.paths.certificate)).output.decode() or None
    if host.tls.acme_ca:
        return host.local_path(host.tls.acme_ca).read_text()
    return None


COMMAND = Command(verify, COMMON)
