"""Verifying the backups on a host: all of each is read, and compared with its checksums and its list of files."""

from deployer.run.host_run import HostRun

LIMIT = 12 * 3600
"""Seconds for reading all of them."""


def verify(run: HostRun) -> dict[str, str]:
    """Verify every backup and report each; gives the problem of each that has one, by its id. Raises DeployerError."""
    problems: dict[str, str] = {}
    reply = run.call("verify", limit=LIMIT)
    for line in reply.output.decode(errors="replace").splitlines():
        backup, _, problem = line.partition(" ")
        run.report.data("verified", {"id": backup, "problem": problem}, problem or f"{backup} is intact")
        if problem:
            problems[backup] = problem
    if reply.exit_code != 0:
        remedy = "Fix the error above, then run this command again."
        raise run.error("The backups could not be read.", remedy=remedy, reply=reply)
    return problems
