"""`verify`: checks the site from outside, as a visitor and as an attacker, with the certificate checked."""

import time
from collections.abc import Mapping
from dataclasses import asdict

from deployer.errors import DeployerError
from deployer.output import report
from deployer.output.report import ShownNote, StepReport
from deployer.run.command import COMMON, Choices, Command
from deployer.run.host_run import HostRun, on_hosts
from deployer.verify.findings import Finding, Findings, Verdict
from deployer.verify.outside import check_site

SECTION = "7.5 Verify from outside"
COUNTED: Mapping[Verdict, str] = {"pass": "passed", "warning": "with a warning", "fail": "failed"}


def verify(choices: Choices) -> int:
    return on_hosts(choices, _verify)


def _verify(run: HostRun) -> int:
    verify_host(run)
    return 0


def verify_host(run: HostRun) -> None:
    """Check the site and report each finding. Raises DeployerError when a check failed."""
    began = time.monotonic()
    run.report.begin(SECTION, f"checking https://{run.host.site.domain} from outside")
    findings = check_site(run.host, run.transport)
    failed = tuple(finding for finding in findings if finding.verdict == "fail")
    for finding in findings:
        run.report.data("check", asdict(finding), _text(run, finding))
    verdict: report.Verdict = "failed" if failed else "unchanged"
    run.verdicts.add(verdict)
    notes = _notes(findings)
    run.report.step(StepReport("verify", SECTION, verdict, notes=notes, seconds=time.monotonic() - began))
    _count(run, findings)
    if failed:
        raise _failure(run, failed)


def _count(run: HostRun, findings: Findings) -> None:
    verdicts = [finding.verdict for finding in findings]
    counts: dict[str, object] = {verdict: verdicts.count(verdict) for verdict in COUNTED}
    text = ", ".join(f"{number} {COUNTED[verdict]}" for verdict in COUNTED if (number := counts[verdict]))
    run.report.data("checks", counts, "" if run.choices.flag("quiet") else f"              {text}")


def _notes(findings: Findings) -> tuple[ShownNote, ...]:
    warnings = (finding for finding in findings if finding.verdict == "warning")
    return tuple(ShownNote(f"{finding.name}: {finding.evidence}", finding.remedy) for finding in warnings)


def _text(run: HostRun, finding: Finding) -> str:
    if not run.choices.flag("verbose"):
        return ""
    return f"              {finding.verdict}: {finding.name}: {finding.evidence}"


def _failure(run: HostRun, failed: Findings) -> DeployerError:
    return run.error(
        "\n".join(f"{finding.name}: {finding.evidence}" for finding in failed),
        remedy="\n".join(dict.fromkeys(finding.remedy for finding in failed if finding.remedy)),
        step=SECTION,
    )


COMMAND = Command(
    verify,
    COMMON,
    examples=("--host prod", "--host prod --json"),
)
