"""systemd units: whether they are enabled at boot, and whether they are active."""

from deployer.engine.facts import Ask
from deployer.inventory.model import Inventory
from deployer.text.shell import quote, sh

UNIT_ABSENT = ("", "not-found")
"""No such unit yet: its package, once installed, enables and starts it (Debian Policy 9.3)."""

UNIT_OFF = ("disabled", "masked", "masked-runtime")

CLOCKS = ("systemd-timesyncd", "chrony", "chronyd", "ntp", "ntpd", "ntpsec")
"""Those that keep the clock."""
UNITS = ("docker.service", "cron.service", "ufw.service", "certbot.timer", *(f"{clock}.service" for clock in CLOCKS))

# systemctl shows the units in the order in which they are named, also those that do not exist, divided by empty lines.
_SHOW = """\
systemctl show --property=UnitFileState,ActiveState UNITS 2>/dev/null | awk -v RS= -v units=NAMES '
  BEGIN { split(units, name, " ") }
  {
    enabled = active = ""
    for (field = 1; field <= NF; field++) {
      if ($field ~ /^UnitFileState=/) enabled = substr($field, 15)
      if ($field ~ /^ActiveState=/) active = substr($field, 13)
    }
    print "enabled:" name[NR], enabled
    print "active:" name[NR], active
  }' || true"""


def ask_enabled(unit: str, host: Inventory | None = None) -> Ask:
    """As `systemctl is-enabled` prints it; empty where there is no such unit. See `ask_active`."""
    return _ask("enabled", unit, host)


def ask_active(unit: str, host: Inventory | None = None) -> Ask:
    """As `systemctl is-active` prints it. With a host all of its units are asked for at once."""
    return _ask("active", unit, host)


def firewall_timer(host: Inventory) -> str:
    """The timer that switches the firewall off again, without its ending."""
    return f"deployer-{host.name}-firewall"


def _ask(what: str, unit: str, host: Inventory | None) -> Ask:
    units = (*UNITS, f"{firewall_timer(host)}.timer") if host else (unit,)
    text = _SHOW.replace("UNITS", sh(*units)).replace("NAMES", quote(" ".join(units)))
    return Ask(text, part=f"{what}:{unit}")
