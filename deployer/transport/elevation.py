"""Which way a script becomes root on one host, and the one question for a password that this may take."""

import threading
from collections.abc import Callable

from deployer.secret import Secret
from deployer.transport.wrapping import Elevation

# The words of sudo and of sudo-rs (Ubuntu since 25.10) when -n forbids them to ask.
WANTS_PASSWORD = ("a password is required", "interactive authentication is required")


class Sudo:
    """Shared by all connections to a host, so that a person is asked at most once."""

    def __init__(
        self, *, is_root: bool, login: str, password: Secret | None, ask: Callable[[str], Secret] | None
    ) -> None:
        self._is_root = is_root
        self._login = login
        self._password = password
        self._ask = ask
        self._proved = False
        self._lock = threading.Lock()

    def way(self) -> tuple[Elevation, Secret | None]:
        with self._lock:
            if self._is_root:
                return Elevation.ROOT, None
            return (Elevation.SUDO_PASSWORD if self._password else Elevation.SUDO), self._password

    def wants_proof(self, *, may_repeat: bool) -> bool:
        """Whether sudo must be seen to work before input is sent.

        A wrong password would swallow the input, and input that cannot be sent again must not meet a refusal
        which a question would mend.
        """
        if self._is_root or self._proved:
            return False
        return self._password is not None or (self._ask is not None and not may_repeat)

    def has_worked(self) -> None:
        self._proved = True

    def may_try_again(self, tried: Secret | None, output: str) -> bool:
        """Whether a password mends a refusal; asks for it, once. `tried` is what was refused."""
        if not any(words in output for words in WANTS_PASSWORD):
            return False
        with self._lock:
            if self._ask is not None:
                ask, self._ask = self._ask, None
                self._password = ask(f"sudo password of {self._login}: ")
            return self._password is not None and self._password != tried
