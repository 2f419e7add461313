"""`environment`: .env shown, written and recovered by the host program, driven by the step that calls it."""

import json
import os
import re
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deployer.engine.changes import Script, Stop
from deployer.engine.facts import Facts, Unknown
from deployer.engine.host_program import settings_of
from deployer.inventory.model import Inventory
from deployer.releases.lost_secrets import ToBeRestored
from deployer.releases.rollback import Rollback
from deployer.remote.environment import verbs
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.site.compose import BACKEND
from deployer.steps import environment
from deployer.text.dotenv import can_hold, line
from tests.support.fakes import IS_ROOT, asked_here, inventory, run_here
from tests.unit.remote.conftest import FakeDocker
from tests.unit.remote.inspecting import SECRETS, answers, of_service, provisioned, recorded
from tests.unit.remote.installed import env_facts
from tests.unit.steps.hosts import kept
from tests.unit.steps.hosts import recorded as recorded_line

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the file is root's, as on a host")
AWKWARD = 'it\'s a $ecret `with` "quotes", # and = and \\ in it'
LONG = "k" * 40


def host_in(directory: Path, secrets: dict[str, str] | None = None, **variables: str) -> Inventory:
    host = inventory(secrets, environment=variables)
    return host.model_copy(update={"root": PurePosixPath(directory)})


def shown(host: Inventory) -> str:
    return env_facts(host)["env"]


def changes(host: Inventory) -> list[Script]:
    found = list(environment.plan(host, env_facts(host)))
    assert all(isinstance(change, Script) for change in found)
    return [change for change in found if isinstance(change, Script)]


def apply(host: Inventory, directory: Path) -> str:
    """Run the step's only change as the runner does; gives everything it printed."""
    (change,) = changes(host)
    assert change.payload
    payload = directory / "payload"
    payload.write_text(change.payload.reveal())
    ran = run_here(change.script, PAYLOAD=str(payload))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


def env(host: Inventory) -> Path:
    return Path(host.paths.env)


def values(host: Inventory) -> dict[str, str]:
    pairs = (text.partition("=") for text in env(host).read_text().splitlines() if "=" in text)
    return {name: value for name, _, value in pairs}


class TestFirstTime:
    def test_nothing_there(self, tmp_path: Path) -> None:
        """No file: nothing is shown, exit 0."""
        assert shown(host_in(tmp_path)) == ""

    def test_generated(self, tmp_path: Path) -> None:
        """Both secrets are made: at least 32 random bytes, different, and the step then changes nothing."""
        host = host_in(tmp_path / "root")
        apply(host, tmp_path)
        api, jwt = values(host)["API_SECRET_KEY"], values(host)["JWT_SECRET_KEY"]
        assert api != jwt
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in (api, jwt)), "32 bytes as base64url"
        assert changes(host) == []

    def test_nobody_else_reads(self, tmp_path: Path) -> None:
        """0600 from its first byte on; nothing is left beside."""
        host = host_in(tmp_path / "root")
        apply(host, tmp_path)
        assert env(host).stat().st_mode & 0o7777 == 0o600
        assert sorted(path.name for path in (tmp_path / "root").iterdir()) == [".deployer", ".env"]

    def test_never_printed(self, tmp_path: Path) -> None:
        """Neither writing nor showing prints a secret."""
        host = host_in(tmp_path / "root", {"DB_PASSWORD": AWKWARD})
        printed = apply(host, tmp_path) + shown(host)
        assert printed
        for name, value in values(host).items():
            if re.search("SECRET|PASSWORD", name):
                assert value.strip("'") not in printed

    def test_two_hosts_differ(self, tmp_path: Path) -> None:
        """Random means random."""
        one, other = host_in(tmp_path / "one"), host_in(tmp_path / "other")
        apply(one, tmp_path)
        apply(other, tmp_path)
        assert values(one)["API_SECRET_KEY"] != values(other)["API_SECRET_KEY"]


class TestKept:
    @pytest.mark.parametrize("written", [LONG, f"'{LONG}'", f'"{LONG}"', f"'{'x$y#' * 10}'", "'a\\'b" + "c" * 40 + "'"])
    def test_byte_for_byte(self, tmp_path: Path, written: str) -> None:
        """A secret that stands there stays exactly as it is written, whatever its quotes."""
        host = host_in(tmp_path)
        env(host).write_text(f"JWT_SECRET_KEY={written}\nAPI_SECRET_KEY={LONG}\nHTTPS_ONLY=false\n")
        apply(host, tmp_path)
        assert f"JWT_SECRET_KEY={written}\n" in env(host).read_text()
        assert values(host)["HTTPS_ONLY"] == "true"
        assert changes(host) == []

    def test_persons_own_secret(self, tmp_path: Path) -> None:
        """A secret that the tool does not know is kept as well."""
        host = host_in(tmp_path)
        env(host).write_text(f"SMTP_PASSWORD='a b'\nAPI_SECRET_KEY={LONG}\n")
        apply(host, tmp_path)
        assert values(host)["SMTP_PASSWORD"] == "'a b'"
        assert changes(host) == []

    def test_empty_secret_is_made(self, tmp_path: Path) -> None:
        """A name without a value counts as not there."""
        host = host_in(tmp_path)
        env(host).write_text(f"API_SECRET_KEY={LONG}\n")
        apply(host, tmp_path)
        assert len(values(host)["JWT_SECRET_KEY"]) == 43

    def test_last_of_two_lines(self, tmp_path: Path) -> None:
        """Of a name that stands twice the last one counts, as for Compose; and the step comes to rest."""
        host = host_in(tmp_path)
        env(host).write_text(f"API_SECRET_KEY={'a' * 40}\nAPI_SECRET_KEY={LONG}\nJWT_SECRET_KEY={LONG}\n")
        apply(host, tmp_path)
        assert env(host).read_text().count("API_SECRET_KEY=") == 1
        assert values(host)["API_SECRET_KEY"] == LONG
        assert changes(host) == []

    def test_no_newline_at_the_end(self, tmp_path: Path) -> None:
        """The last line counts without one."""
        host = host_in(tmp_path)
        env(host).write_text(f"API_SECRET_KEY={LONG}\nJWT_SECRET_KEY={LONG}")
        assert "JWT_SECRET_KEY=[secret kept ]" in shown(host)
        apply(host, tmp_path)
        assert values(host)["JWT_SECRET_KEY"] == LONG


class TestPutBack:
    def take_back(self, host: Inventory, directory: Path) -> Path:
        """The change, and then its way back, as the runner does it."""
        (change,) = changes(host)
        payload = directory / "1.payload"
        payload.write_text(change.payload.reveal() if change.payload else "")
        for script in (change.script, change.undo):
            ran = run_here(script, PAYLOAD=str(payload))
            assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
        return env(host)

    def test_former_file(self, tmp_path: Path) -> None:
        """Every byte, its mode and owner; a secret that the release brought is gone with it."""
        host = host_in(tmp_path / "root", {"DB_PASSWORD": AWKWARD})
        env(host).parent.mkdir()
        text = f"# mine\nAPI_SECRET_KEY='{LONG}'\nDOMAIN=old.example.com\nDB_PASSWORD=former-one"
        env(host).write_text(text)
        env(host).chmod(0o640)
        os.chown(env(host), 65534, 65534)
        back = self.take_back(host, tmp_path)
        assert back.read_text() == text
        found = back.stat()
        assert (found.st_mode & 0o7777, found.st_uid) == (0o640, 65534)
        assert sorted(path.name for path in back.parent.iterdir()) == [".deployer", ".env"]

    def test_no_former_file(self, tmp_path: Path) -> None:
        """Secrets that were made stay: something may have been started with them."""
        host = host_in(tmp_path / "root")
        back = self.take_back(host, tmp_path)
        assert len(values(host)["API_SECRET_KEY"]) == 43
        assert back.stat().st_mode & 0o7777 == 0o600

    def test_former_file_lies_where_the_runner_cleans_up(self, tmp_path: Path) -> None:
        """Beside the payload, under a name that is removed with it when the job is over."""
        host = host_in(tmp_path / "root")
        env(host).parent.mkdir()
        env(host).write_text(f"API_SECRET_KEY={LONG}\n")
        job = tmp_path / "job"
        job.mkdir()
        (change,) = changes(host)
        (job / "7.payload").write_text("")
        assert run_here(change.script, PAYLOAD=str(job / "7.payload")).returncode == 0
        assert sorted(path.name for path in job.glob("*.payload")) == ["7.payload", "former.payload"]
        assert sorted(path.name for path in job.iterdir()) == ["7.payload", "former.payload"]


class TestSupplied:
    @pytest.mark.parametrize("secret", [AWKWARD, LONG, " leading", "'quoted'", '"double"', "a'b'c", "ž🐎" * 20, "\\n"])
    def test_reaches_the_file(self, tmp_path: Path, secret: str) -> None:
        """What the operator supplied stands there in .env's quoting, and is found equal afterwards."""
        host = host_in(tmp_path / "root", {"DB_PASSWORD": secret})
        apply(host, tmp_path)
        assert f"{line('DB_PASSWORD', secret)}\n" in env(host).read_text()
        assert changes(host) == []

    def test_name_that_says_nothing(self, tmp_path: Path) -> None:
        """A supplied secret whose name does not tell is one all the same, also once it is supplied no more."""
        host = host_in(tmp_path / "root", {"SENTRY_DSN": AWKWARD})
        apply(host, tmp_path)
        assert f"{line('SENTRY_DSN', AWKWARD)}\n" in env(host).read_text()
        assert changes(host) == []
        later = host_in(tmp_path / "root")
        assert AWKWARD not in shown(later)
        assert changes(later) == []

    def test_another_one(self, tmp_path: Path) -> None:
        """A changed one replaces the old; the others stay."""
        apply(host_in(tmp_path / "root", {"DB_PASSWORD": AWKWARD}), tmp_path)
        before = values(host_in(tmp_path / "root"))
        host = host_in(tmp_path / "root", {"DB_PASSWORD": LONG})
        apply(host, tmp_path)
        assert values(host) == {**before, "DB_PASSWORD": LONG}

    @settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1).filter(can_hold))
    def test_any(self, tmp_path: Path, secret: str) -> None:
        """Any value that can be held comes to rest after one change."""
        host = host_in(tmp_path / "root", {"DB_PASSWORD": secret})
        if changes(host):
            apply(host, tmp_path)
        assert changes(host) == []


class TestVariables:
    @settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n")).filter(can_hold))
    @example("a\u2028b\x0bc\x85d\x1e")
    @example(AWKWARD)
    def test_any(self, tmp_path: Path, value: str) -> None:
        """Any value of the inventory's table comes to rest after one change."""
        host = host_in(tmp_path / "root", EXTRA=value)
        if changes(host):
            apply(host, tmp_path)
        assert changes(host) == []


class TestDatabase:
    URL = "postgresql://app_user:{}@postgres:5432/biometric_did"

    def host(self, directory: Path, secrets: dict[str, str] | None = None, **postgres: object) -> Inventory:
        host = inventory(secrets, postgres={"enabled": True, **postgres})
        return host.model_copy(update={"root": PurePosixPath(directory)})

    def test_generated(self, tmp_path: Path) -> None:
        """A password is made, safe in a URL, and the address holds it; nothing of it is printed, shown or planned."""
        host = self.host(tmp_path)
        (change,) = changes(host)
        assert "+DATABASE_URL=postgresql://app_user:[DB_PASSWORD]@postgres:5432/biometric_did" in change.diff
        printed = apply(host, tmp_path) + shown(host)
        password = values(host)["DB_PASSWORD"]
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", password)
        assert values(host)["DATABASE_URL"] == self.URL.format(password)
        assert values(host)["DB_POOL_SIZE"] == "20"
        assert password not in printed
        assert changes(host) == []

    def test_kept(self, tmp_path: Path) -> None:
        """It stays when anything else changes: the role; switched off, and on again."""
        apply(self.host(tmp_path), tmp_path)
        password = values(self.host(tmp_path))["DB_PASSWORD"]
        other = self.host(tmp_path, user="other")
        apply(other, tmp_path)
        assert values(other)["DATABASE_URL"] == f"postgresql://other:{password}@postgres:5432/biometric_did"
        again = self.host(tmp_path)
        apply(again, tmp_path)
        off = host_in(tmp_path)
        apply(off, tmp_path)
        assert values(off)["DB_PASSWORD"] == password
        assert not {"DATABASE_URL", "DB_POOL_SIZE"}.intersection(values(off))
        assert changes(off) == []
        apply(again, tmp_path)
        assert values(again)["DATABASE_URL"] == self.URL.format(password)

    def test_supplied(self, tmp_path: Path) -> None:
        """The operator's own is in the address too; another one takes its place in both."""
        for password in ("the-operators.own_~1", "another-one"):
            host = self.host(tmp_path, {"DB_PASSWORD": password})
            assert password not in apply(host, tmp_path)
            assert values(host)["DB_PASSWORD"].strip("'") == password
            assert values(host)["DATABASE_URL"] == self.URL.format(password)
            assert changes(host) == []

    @pytest.mark.parametrize("quote", ["'", '"'])
    def test_in_quotes(self, tmp_path: Path, quote: str) -> None:
        """As a person may have written it: it stays as it is written, and in the address there are no quotes."""
        host = self.host(tmp_path)
        env(host).write_text(f"API_SECRET_KEY={LONG}\nJWT_SECRET_KEY={LONG}\nDB_PASSWORD={quote}a-password{quote}\n")
        apply(host, tmp_path)
        assert values(host)["DATABASE_URL"] == self.URL.format("a-password")
        assert changes(host) == []

    @pytest.mark.parametrize("drift", ["postgresql://app_user:wrong-one@postgres:5432/biometric_did", "", "nonsense"])
    def test_address_is_put_right(self, tmp_path: Path, drift: str) -> None:
        """One with another password than stands beside it, an empty one, or one from outside."""
        host = self.host(tmp_path)
        apply(host, tmp_path)
        before = env(host).read_text()
        env(host).write_text(re.sub("^DATABASE_URL=.*$", f"DATABASE_URL={drift}", before, flags=re.MULTILINE))
        assert "wrong-one" not in shown(host)
        apply(host, tmp_path)
        assert env(host).read_text() == before

    @pytest.mark.parametrize("password", ["'p@ss:w/rd'", "short", "'it\\'s quoted'", "<generate>"])
    def test_unfit(self, tmp_path: Path, password: str) -> None:
        """One that cannot stand in a URL stops the run, until another is supplied."""
        host = self.host(tmp_path)
        env(host).write_text(f"API_SECRET_KEY={LONG}\nJWT_SECRET_KEY={LONG}\nDB_PASSWORD={password}\n")
        with pytest.raises(Stop, match="cannot stand in a URL"):
            changes(host)
        apply(self.host(tmp_path, {"DB_PASSWORD": "one-that-fits"}), tmp_path)
        assert changes(host) == []

    def test_address_of_ones_own(self, tmp_path: Path) -> None:
        """Without a database here what the operator supplies counts, whatever it is."""
        for url in (AWKWARD, self.URL.format("a-password")):
            host = host_in(tmp_path, {"DB_PASSWORD": "a-password", "DATABASE_URL": url})
            apply(host, tmp_path)
            assert f"{line('DATABASE_URL', url)}\n" in env(host).read_text()
            assert changes(host) == []


class TestShown:
    def state(self, directory: Path, value: str) -> str:
        host = host_in(directory)
        env(host).write_text(f"JWT_SECRET_KEY={value}\n")
        return shown(host).splitlines()[1]

    @pytest.mark.parametrize(
        "value",
        [
            "<generate_with_secrets.token_urlsafe(32)>",
            "'<generate_with_secrets.token_urlsafe(32)>'",
            "CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME",
            "changeme",
            "your-secret-key",
            "your_jwt_secret_key_at_least_32_bytes_long",
        ],
    )
    def test_placeholder(self, tmp_path: Path, value: str) -> None:
        """The guide's placeholders and the usual ones are seen."""
        assert self.state(tmp_path, value) == "JWT_SECRET_KEY=[secret placeholder ]"

    @pytest.mark.parametrize(("length", "state"), [(8, "short"), (31, "short"), (32, "kept"), (64, "kept")])
    def test_short(self, tmp_path: Path, length: int, state: str) -> None:
        """Fewer than 32 bytes are too few; the quotes do not count."""
        assert self.state(tmp_path, "x" * length) == f"JWT_SECRET_KEY=[secret {state} ]"
        assert self.state(tmp_path, f"'{'x' * length}'") == f"JWT_SECRET_KEY=[secret {state} ]"

    def test_stops_the_run(self, tmp_path: Path) -> None:
        """A placeholder in production is a stop, and a line that was removed is made again."""
        host = host_in(tmp_path)
        env(host).write_text("API_SECRET_KEY=changeme\n")
        with pytest.raises(Stop):
            changes(host)
        env(host).write_text("")
        apply(host, tmp_path)
        assert changes(host) == []

    @pytest.mark.parametrize(
        "text",
        [
            "# API_SECRET_KEY=hunter2-hunter2",
            "export API_SECRET_KEY=hunter2-hunter2",
            "API_SECRET_KEY = hunter2-hunter2",
            "hunter2-hunter2",
            "DATABASE_URL=postgres://u:hunter2-hunter2@db/x",
        ],
    )
    def test_strange_lines_show_no_secret(self, tmp_path: Path, text: str) -> None:
        """A secret that was commented out, exported or mistyped is not shown either."""
        host = host_in(tmp_path)
        env(host).write_text(f"{text}\n")
        assert "hunter2" not in shown(host)

    def test_attributes(self, tmp_path: Path) -> None:
        """Mode and owner come first."""
        host = host_in(tmp_path)
        env(host).write_text("DOMAIN=example.com\n")
        env(host).chmod(0o640)
        assert shown(host) == "640 root:root\nDOMAIN=example.com"


class TestLost:
    """Secrets that a release had are not made anew unasked."""

    def release(self, host: Inventory, *lines: str) -> None:
        """As it is kept for a rollback."""
        directory = Path(host.paths.releases) / "20260101_000000-0123456"
        directory.mkdir(parents=True)
        (directory / "environment").write_text("".join(f"{line}\n" for line in lines))

    def stop(self, host: Inventory, **answers: str) -> str:
        with pytest.raises(Stop) as stopped:
            list(environment.plan(host, env_facts(host, **answers)))
        (problem,) = stopped.value.problems
        return f"{problem.text}\n{problem.remedy}"

    @pytest.mark.parametrize("text", [None, "", "# managed by nobody\n", "DOMAIN=example.com\n"])
    def test_of_a_release(self, tmp_path: Path, text: str | None) -> None:
        """The file absent, emptied or cut off: a stop that names each secret; nothing is written."""
        host = host_in(tmp_path)
        self.release(host, "# managed", "API_SECRET_KEY=[secret]", "JWT_SECRET_KEY=[secret]", "DOMAIN=x")
        if text is not None:
            env(host).write_text(text)
        told = self.stop(host)
        assert "API_SECRET_KEY, JWT_SECRET_KEY, which a release had" in told
        assert "choose new ones knowingly: set API_SECRET_KEY, JWT_SECRET_KEY in /nowhere/web.env" in told
        assert "backup" not in told

    def test_one_of_them(self, tmp_path: Path) -> None:
        """A single line that is gone."""
        host = host_in(tmp_path)
        self.release(host, "API_SECRET_KEY=[secret]", "JWT_SECRET_KEY=[secret]")
        env(host).write_text(f"API_SECRET_KEY={LONG}\nDOMAIN=x\n")
        assert "has lost JWT_SECRET_KEY, which a release had" in self.stop(host)

    def test_log_alone(self, tmp_path: Path) -> None:
        """The log says that there was a release, whatever became of its directory."""
        host = host_in(tmp_path)
        Path(host.paths.state).mkdir()
        Path(host.paths.release_log).write_text("damaged\n")
        assert "is lost: it has no API_SECRET_KEY, JWT_SECRET_KEY" in self.stop(host)

    def test_container_that_runs(self, tmp_path: Path) -> None:
        """It has the secrets: the command that takes them is shown, and does."""
        host = provisioned(tmp_path)
        report = recorded()
        report["containers"] = [of_service(report, BACKEND)]
        docker = FakeDocker(answer=answers(report))
        verbs.environment(Host(settings_of(host), docker), ["recover"])
        assert {name: values(host)[name].strip("'") for name in SECRETS} == SECRETS
        env(host).unlink()
        named = of_service(report, BACKEND)
        named["Config"]["Env"] = dict.fromkeys(SECRETS, "digest")
        told = self.stop(host, containers=json.dumps(named))
        assert "take them from biometric-did-backend-api-2, which has API_SECRET_KEY, JWT_SECRET_KEY" in told
        assert f"sudo python3 -I -X utf8 {host.paths.state}/remote.pyz environment recover" in told

    def test_latest_backup(self, tmp_path: Path) -> None:
        """The newest complete one is named with the command."""
        host = host_in(tmp_path / "root")
        host = host.model_copy(
            update={"backup": host.backup.model_copy(update={"directory": PurePosixPath(tmp_path / "backups")})}
        )
        self.release(host, "API_SECRET_KEY=[secret]")
        for time, name in (
            ("20260101_020000", "manifest.json"),
            ("20260102_020000", "manifest.json"),
            ("20260103", "x"),
        ):
            directory = tmp_path / "backups" / f"biometric-did_{time}"
            directory.mkdir(parents=True)
            (directory / name).touch()
        assert "deployer restore --host web --only config --ts 20260102_020000" in self.stop(host)

    def test_supplied(self, tmp_path: Path) -> None:
        """What the operator puts into NAME.env is taken: that is the way to new ones."""
        host = host_in(tmp_path, {"API_SECRET_KEY": LONG, "JWT_SECRET_KEY": LONG[::-1]})
        self.release(host, "API_SECRET_KEY=[secret]", "JWT_SECRET_KEY=[secret]")
        apply(host, tmp_path)
        assert changes(host) == []

    def test_database_that_is_new(self, tmp_path: Path) -> None:
        """A secret that no release had is made."""
        host = inventory(postgres={"enabled": True}).model_copy(update={"root": PurePosixPath(tmp_path)})
        self.release(host, "API_SECRET_KEY=[secret]", "JWT_SECRET_KEY=[secret]")
        env(host).write_text(f"API_SECRET_KEY={LONG}\nJWT_SECRET_KEY={LONG}\n")
        apply(host, tmp_path)
        assert len(values(host)["DB_PASSWORD"]) == 43

    def test_before_a_restore_of_env(self, tmp_path: Path) -> None:
        """What is missing is made, since the backup brings .env itself."""
        host = host_in(tmp_path)
        self.release(host, "API_SECRET_KEY=[secret]")
        (change,) = ToBeRestored(environment).plan(host, env_facts(host))
        assert isinstance(change, Script)

    def test_rollback(self, tmp_path: Path) -> None:
        """A release takes its secrets from .env: without them it is not restored, and none is made."""
        host = host_in(tmp_path)
        (tmp_path / "former").write_text("# managed\nAPI_SECRET_KEY=[secret]\n")
        for text in ("", "DOMAIN=x\n"):
            env(host).write_text(text)
            with pytest.raises(Failure, match="is lost, and its secrets with it"):
                verbs.environment(Host(settings_of(host)), ["restore", str(tmp_path / "former")])
            assert env(host).read_text() == text
        env(host).unlink()
        with pytest.raises(Stop, match=r"\.env is lost"):
            name = "20260101_000000-0123456"
            list(Rollback(name).plan(host, Facts.of(log=recorded_line(host), kept=kept(host, name), env="lost")))


@pytest.mark.parametrize("there", ["link", "directory"])
def test_no_regular_file(tmp_path: Path, there: str) -> None:
    """What is no file is never taken for an absent one: the question fails, and says what to do."""
    host = host_in(tmp_path)
    env(host).symlink_to("/etc/passwd") if there == "link" else env(host).mkdir()
    with pytest.raises(Unknown, match="is a link, or no file: put the file itself there"):
        shown(host)


def test_an_action_that_is_not_there(tmp_path: Path) -> None:
    """Exit code 2 and the actions that there are."""
    with pytest.raises(Failure, match=r"usage: environment write\|restore\|recover") as failure:
        verbs.environment(Host(settings_of(host_in(tmp_path))), ["nothing"])
    assert failure.value.exit_code == 2


def test_before_the_program_is_there(tmp_path: Path) -> None:
    """A file that cannot be shown yet is unknown; an absent one is known to be absent."""
    host = host_in(tmp_path)
    question = {"env": environment.probes(host)["env"]}
    assert asked_here(question)["env"] == ""
    env(host).write_text("X=1\n")
    with pytest.raises(Unknown, match="the host program is not in place yet"):
        asked_here(question)["env"]
