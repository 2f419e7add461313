"""Installing packages with apt without prompts and without hanging: debconf, conffiles, needrestart, locks."""

from collections.abc import Sequence

from deployer.engine.changes import Script
from deployer.engine.facts import Ask, Probes
from deployer.text.shell import quote, sh

APT = "apt-get -q -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
"""apt-get that waits up to ten minutes for its lock and keeps existing configuration files."""

# On a provider's first boot cloud-init writes sources.list and installs packages.
_AWAIT_CLOUD_INIT = """\
export NEEDRESTART_SUSPEND=1 DEBIAN_PRIORITY=critical
if [ -d /run/cloud-init ] && [ ! -e /run/cloud-init/result.json ]; then
  echo "waiting up to 10 minutes for cloud-init"
  timeout 600 cloud-init status --wait >/dev/null || true
fi"""


# `^.i` is a package that is installed or only configured away; any other state is that of an interrupted installation.
_STATES = """\
dpkg-query -W -f '${db:Status-Abbrev}${Package}\\n' | awk -v names=NAMES '
  BEGIN { split(names, listed, " "); for (number in listed) wanted[listed[number]] }
  /^.i / && substr($0, 4) in wanted { print "installed", substr($0, 4) }
  !/^.[nci] / { print "half", $0 }' || true
find /var/lib/dpkg/updates -type f -printf 'half    interrupted\\n'"""


def ask_packages(names: Sequence[str]) -> Probes:
    """`installed`: the names of those packages that are completely installed, one a line.

    `half`: three characters of state and the name of each package that an interrupted installation has left so.
    """
    text = _STATES.replace("NAMES", quote(" ".join(names)))
    return {part: Ask(text, part=part) for part in ("installed", "half")}


def install(names: Sequence[str]) -> Script:
    """Install packages; 30 minutes, of which 10 may be spent waiting for another apt."""
    return Script(
        f"install {', '.join(names)}",
        "\n".join((_AWAIT_CLOUD_INIT, f"{APT} update", f"{APT} install -y --no-install-recommends {sh(*names)}")),
        within=1800,
    )
