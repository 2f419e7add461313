"""`renew`: renew the certificate now, with the functions that cron uses, under the lock."""

from dataclasses import asdict

from deployer.certificates.renewal import Renewal
from deployer.output.report import ShownNote
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.convergence import converge_on
from deployer.run.host_run import HostRun, on_hosts
from deployer.steps import host_program

DUPLICATES = ShownNote(
    "Let's Encrypt issues at most 5 certificates a week for the same names, forced renewals included.",
    "Use --force after a key was exposed, not for a test: https://letsencrypt.org/docs/rate-limits/",
)


def renew(choices: Choices) -> int:
    return on_hosts(choices, _renew)


def _renew(run: HostRun) -> int:
    force = run.choices.flag("force")
    if force and run.host.tls.mode == "letsencrypt":
        run.report.data("note", asdict(DUPLICATES), f"note: {DUPLICATES.text}\n      {DUPLICATES.remedy}")
    return converge_on(run, run.host, (host_program, Renewal(force)), "renew --force" if force else "renew")


COMMAND = Command(
    renew,
    (*CHANGING, Option("force", "renew before it is due (Let's Encrypt: at most 5 a week)", bool)),
    examples=("--host prod", "--host prod --force"),
)
