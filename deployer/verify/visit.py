"""One verification of a site: what several checks need is requested once, by the first that needs it."""

from collections.abc import Mapping
from functools import cached_property
from threading import RLock

from deployer.remote.maintenance import SAID
from deployer.verify import loading
from deployer.verify.answers import Answer, Reply, Request, ask_all
from deployer.verify.presented import Presented, look
from deployer.verify.target import Site

LIMIT = 6.0
"""Seconds for one round of requests; the pages take four rounds at most."""

SERVICE_WORKERS = ("/service-worker.js", "/sw.js")
"""Workbox' usual names."""


class Visit:
    """Shared by the checks, which run in parallel."""

    def __init__(self, site: Site, requests: Mapping[str, Request] | None = None) -> None:
        """`requests` are those of all checks, by their keys."""
        self.site = site
        self._requests = requests or {}
        self._lock = RLock()

    @property
    def presented(self) -> Presented:
        """The certificate of each name."""
        with self._lock:
            return self._presented

    @property
    def replies(self) -> Mapping[str, Reply]:
        """To the requests of all checks, by key; none where no TLS connection can be made for some name.

        Where the certificate is bad the requests are made without trust, so that all faults are reported at once.
        """
        with self._lock:
            return self._replies

    @property
    def assets(self) -> loading.Assets | None:
        """What the wallet's page loads; None where it does not answer, and during maintenance."""
        with self._lock:
            return self._assets

    @property
    def in_maintenance(self) -> bool:
        return "index" in self.replies and shows_maintenance(self.replies["index"])

    @cached_property
    def _presented(self) -> Presented:
        return look(self.site, LIMIT)

    @cached_property
    def _replies(self) -> Mapping[str, Reply]:
        if self.presented.silent:
            return {}
        return ask_all(self.site, self._requests, limit=LIMIT, verified=self.presented.is_trusted)

    @cached_property
    def _assets(self) -> loading.Assets | None:
        index = self.replies.get("index")
        if not isinstance(index, Answer) or self.in_maintenance:
            return None
        workers = tuple(self.replies[path] for path in SERVICE_WORKERS)
        return loading.look(self.site, index, workers, limit=LIMIT, verified=self.presented.is_trusted)


def shows_maintenance(reply: Reply) -> bool:
    """503 with our own words: an application that is broken has others."""
    return isinstance(reply, Answer) and reply.status == 503 and SAID.encode() in reply.body
