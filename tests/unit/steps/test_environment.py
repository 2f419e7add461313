"""6. Environment."""

import hashlib

import pytest

from deployer.engine.changes import Script, Stop
from deployer.steps import environment
from tests.support.fakes import inventory, planned, texts

from .hosts import converged, drifted, env, fresh

HOST = inventory()
SECRET = 'it\'s a $ecret with # and "quotes" in it'
DIFFERS = "write /opt/biometric-did/.env (its values differ)"


def supplied(secret: str = SECRET) -> dict[str, str]:
    return {"DB_PASSWORD": secret}


def digest(secret: str) -> dict[str, str]:
    return {"DB_PASSWORD": hashlib.sha256(secret.encode()).hexdigest()}


def test_absent() -> None:
    """Secrets are made on the host: neither the change nor its difference knows them."""
    (change,) = planned(environment, HOST, fresh(environment, HOST))
    assert isinstance(change, Script)
    assert change.why == "write /opt/biometric-did/.env (missing; its secrets are generated on the host)"
    assert change.undo.startswith("FILE=/opt/biometric-did/.env\n")
    assert "+API_SECRET_KEY=[secret]" in change.diff
    assert "+DOMAIN=example.com" in change.diff


def test_variable_differs() -> None:
    """An edited value is put right; the difference shows it and no secret."""
    told = env(HOST).replace("HTTPS_ONLY=true", "HTTPS_ONLY=false")
    (change,) = planned(environment, HOST, {"env": told})
    assert isinstance(change, Script)
    assert change.why == DIFFERS
    assert "-HTTPS_ONLY=false\n+HTTPS_ONLY=true" in change.diff


@pytest.mark.parametrize(
    "told",
    [
        env(HOST).replace("JWT_SECRET_KEY=[secret kept ]\n", ""),
        env(HOST).replace("DOMAIN=", "# a comment\nDOMAIN="),
        env(HOST) + "UNKNOWN=1\n",
        env(HOST) + "[not a variable]\n",
    ],
)
def test_lines_differ(told: str) -> None:
    """A secret that is missing, a comment, a line too many: the file is written anew."""
    assert drifted(environment, HOST, env=told) == [DIFFERS]


@pytest.mark.parametrize("attributes", ["644 root:root", "600 deploy:deploy", "640 root:docker"])
def test_readable(attributes: str) -> None:
    """A file that others may read is closed without being written."""
    told = env(HOST).replace("600 root:root", attributes)
    assert drifted(environment, HOST, env=told) == [f"set /opt/biometric-did/.env to 0600 root:root (is {attributes})"]


class TestSupplied:
    def test_the_same(self) -> None:
        """A secret that the operator supplied and that stands there is compared by digest."""
        host = inventory(supplied())
        assert planned(environment, host, {"env": env(host, digest(SECRET))}) == ()

    @pytest.mark.parametrize("found", [digest("another one"), {"DB_PASSWORD": ""}])
    def test_another_one(self, found: dict[str, str]) -> None:
        """It is replaced; it travels as a payload, in .env's own quoting."""
        host = inventory(supplied())
        (change,) = planned(environment, host, {"env": env(host, found)})
        assert isinstance(change, Script)
        assert change.payload
        assert change.payload.reveal() == f"DB_PASSWORD='{SECRET}'\n".replace("it's", "it\\'s")
        assert SECRET not in change.script + change.diff + change.why

    def test_weak_one_is_replaced(self) -> None:
        """A placeholder on the host does not stop a run that brings a better one."""
        host = inventory({"API_SECRET_KEY": SECRET})
        told = env(host).replace("API_SECRET_KEY=[secret kept ]", "API_SECRET_KEY=[secret placeholder ]")
        assert drifted(environment, host, env=told) == [DIFFERS]


class TestOthers:
    def test_persons_own_secret_is_kept(self) -> None:
        """A secret that a person added is not thrown away."""
        told = env(HOST).replace("JWT_EXP", "SMTP_PASSWORD=[secret kept ]\nJWT_EXP")
        assert drifted(environment, HOST, env=told) == []


@pytest.mark.parametrize(
    ("state", "said"), [("placeholder", "is a placeholder"), ("short", "is shorter than 32 bytes")]
)
def test_weak(state: str, said: str) -> None:
    """A weak key is not replaced behind anybody's back (logins would end): a stop with the way out."""
    told = env(HOST).replace("JWT_SECRET_KEY=[secret kept ]", f"JWT_SECRET_KEY=[secret {state} ]")
    with pytest.raises(Stop) as caught:
        drifted(environment, HOST, env=told)
    (problem,) = caught.value.problems
    assert problem.text == f"JWT_SECRET_KEY in /opt/biometric-did/.env {said}"
    assert problem.remedy == "set another JWT_SECRET_KEY in /nowhere/web.env"


def test_no_notes() -> None:
    """On a converged host there is nothing to say."""
    assert texts(planned(environment, HOST, converged(environment, HOST))) == []
