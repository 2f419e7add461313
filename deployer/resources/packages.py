"""Installing packages with apt without prompts and without hanging: debconf, conffiles, needrestart, locks."""

from collections.abc import Sequence

from deployer.engine.changes import Script
from deployer.engine.facts import Ask
from deployer.text.shell import sh

APT = "apt-get -q -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
"""apt-get that waits up to ten minutes for its lock and keeps existing configuration files."""

# On a provider's first boot cloud-init writes sources.list and installs packages.
_AWAIT_CLOUD_INIT = """\
export NEEDRESTART_SUSPEND=1 DEBIAN_PRIORITY=critical
if [ -d /run/cloud-init ] && [ ! -e /run/cloud-init/result.json ]; then
  echo "waiting up to 10 minutes for cloud-init"
  timeout 600 cloud-init status --wait >/dev/null || true
fi"""


def ask_installed(names: Sequence[str]) -> Ask:
    """The names of those packages that are completely installed, one a line."""
    query = sh("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n", *names)
    return Ask(f"{{ {query} 2>/dev/null || true; }} | sed -n 's/^.i  *//p'")


def install(names: Sequence[str]) -> Script:
    """Install packages; 30 minutes, of which 10 may be spent waiting for another apt."""
    return Script(
        f"install {', '.join(names)}",
        "\n".join((_AWAIT_CLOUD_INIT, f"{APT} update", f"{APT} install -y --no-install-recommends {sh(*names)}")),
        within=1800,
    )
