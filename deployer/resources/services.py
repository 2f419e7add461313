"""systemd units: whether they are enabled at boot, and whether they are active."""

from deployer.engine.facts import Ask
from deployer.text.shell import sh

UNIT_ABSENT = ("", "not-found")
"""No such unit yet: its package, once installed, enables and starts it (Debian Policy 9.3)."""

UNIT_OFF = ("disabled", "masked", "masked-runtime")


def ask_enabled(unit: str) -> Ask:
    return Ask(f"{sh('systemctl', 'is-enabled', unit)} 2>/dev/null || true")


def ask_active(unit: str) -> Ask:
    return Ask(f"{sh('systemctl', 'is-active', unit)} 2>/dev/null || true")
