"""`certificate ACTION` and `renew [--force]`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from deployer.remote import output, proxy
from deployer.remote.certificate import authority, pair
from deployer.remote.certificate.pair import Pair
from deployer.remote.failure import Failure, NotUnderstood
from deployer.remote.host import Host

FORCE = "--force"
RENEWED_BEFORE = 30
"""Days before its end from which a self-signed certificate is made anew."""


def certificate(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise NotUnderstood(f"usage: certificate {'|'.join(ACTIONS)}")
    action(host, FORCE in words)


def renew(host: Host, words: Sequence[str]) -> None:
    """Renew the certificate when it is due, or with --force, and install it; not being due is no failure."""
    mode, force = host.config.certificate.mode, FORCE in words
    if mode == "letsencrypt":
        _obtain(host, force)
    elif mode == "self-signed":
        _renew_self_signed(host, force)
    else:
        output.say(
            'tls.mode is "provided", so this tool does not renew the certificate. '
            "Point tls.certificate at the new file, then run deployer provision."
        )


def _renew_self_signed(host: Host, force: bool) -> None:
    if force or not pair.lasts(pair.own(host).certificate, RENEWED_BEFORE):
        pair.make_self_signed(host, pair.own(host))
        pair.install(host, pair.own(host))


def _obtain(host: Host, force: bool) -> None:
    authority.obtain(host, force=force)
    found, target = authority.live(host), pair.installed(host)
    if target.exists and found.contents == target.contents:
        output.say(f"the certificate in place is kept, until {pair.end_date(target.certificate)}")
        return
    pair.install(host, found)
    output.say("the new certificate is served")


def _make(host: Host, force: bool) -> None:
    pair.make_self_signed(host, pair.own(host))


def _install(host: Host, force: bool) -> None:
    pair.install(host, authority.live(host) if host.config.certificate.mode == "letsencrypt" else pair.own(host))


def _install_placeholder(host: Host, force: bool) -> None:
    with TemporaryDirectory() as directory:
        placeholder = Pair.below(Path(directory))
        pair.make_self_signed(host, placeholder)
        pair.install(host, placeholder)


def _reload(host: Host, force: bool) -> None:
    proxy.reload(host)
    _await_served(host, force)


def _await_served(host: Host, force: bool) -> None:
    if not proxy.await_served(host, pair.installed(host).certificate):
        raise Failure(f"the proxy does not serve {pair.installed(host).certificate}")


ACTIONS: Mapping[str, Callable[[Host, bool], None]] = {
    "make": _make,
    "install": _install,
    "install-placeholder": _install_placeholder,
    "obtain": _obtain,
    "reload": _reload,
    "await-served": _await_served,
}
