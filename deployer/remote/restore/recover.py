"""Undoing a restore that failed or was interrupted, and finishing one that succeeded.

The restore runs as a systemd unit of its own, which undoes it when it ends, however it ends. After a power failure, or
where that was killed too, the next run does it under the lock, or the next boot.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deployer.remote import files, output, proxy, signals
from deployer.remote.failure import FAILED, GATE_FAILED, ROLLBACK_FAILED, Failure
from deployer.remote.host import Host
from deployer.remote.masking import secrets_of
from deployer.remote.release import running, service
from deployer.remote.release.way_back import serve_again
from deployer.remote.restore.journal import BACK, SERVING, SWAPPING, Journal, State
from deployer.remote.restore.swap_in import (
    agree_on_password,
    close_site,
    open_site,
    swap_of,
)
from deployer.remote.stopping_points import reached
from deployer.remote.waiting import await_true

DOCKER_SECONDS = 300.0
MODE = 0o644


@contextmanager
def undoing(host: Host) -> Iterator[Journal]:
    """Nothing interrupts what is done here; no secret of the states that are swapped is printed."""
    journal = Journal.of(host.config)
    with signals.ignored(), output.hiding(_secrets(host, journal)):
        yield journal


def _secrets(host: Host, journal: Journal) -> Sequence[bytes]:
    former = (host.config.state / "former").glob("*/.env")
    paths = (host.config.environment, journal.new / ".env", *former)
    found = {secret for path in paths for secret in secrets_of(path, host.config.secret_words)}
    return sorted(found, key=len, reverse=True)


def recover(host: Host, journal: Journal) -> None:
    """What the phase demands. Raises Failure where it was undone.

    Exit code 4: the previous release is serving again; 1: none was serving before; 5: not all could be undone.
    """
    if journal.phase == SERVING:
        open_site(host, journal)
    if journal.phase != SWAPPING:
        return
    output.say("putting the previous state back")
    try:
        _undo(host, journal)
    except Failure as failure:
        journal.record_exit_code(failure.exit_code)
        raise


def _undo(host: Host, journal: Journal) -> None:
    state = journal.state
    try:
        _swap_back(host, journal, state)
    except Failure as failure:
        raise Failure(str(failure), exit_code=ROLLBACK_FAILED) from failure
    try:
        _start_previous(host, state)
    finally:
        open_site(host, journal)
        journal.enter(BACK)
        _keep_restored_state(journal, state)


def _swap_back(host: Host, journal: Journal, state: State) -> None:
    close_site(host, journal)
    if not await_true(lambda: host.docker("version").succeeded, DOCKER_SECONDS):
        output.say("Docker does not answer")
    _remove_new_containers(host, state)
    swap_of(host, journal).undo()
    if journal.has_database:
        for part in journal.wanted.parts(host):
            part.swap_back()
    files.write(running.upstream_file(host), state.upstreams.encode(), MODE)
    try:
        agree_on_password(host, journal.wanted)
    except Failure as failure:
        output.say(f"PostgreSQL does not accept the password of the previous .env: {failure}")


def _remove_new_containers(host: Host, state: State) -> None:
    found = (name for each in service.parsed(state.services) for name in running.of_service(host, each))
    running.remove(host, [name for name in found if name not in state.containers])


def _start_previous(host: Host, state: State) -> None:
    """Their files are in place, whatever happens here. Raises Failure always: the restore was undone."""
    try:
        running.start(host, state.containers)
        proxy.reload(host)
    except Failure as failure:
        raise Failure(str(failure), exit_code=ROLLBACK_FAILED) from failure
    if not state.containers and state.services:
        raise Failure("no release was serving before", exit_code=FAILED)
    _await_previous(host, state)
    raise Failure("the previous state is in place again", exit_code=GATE_FAILED)


def _await_previous(host: Host, state: State) -> None:
    serve_again(host, {each: running.of_kind(host, each, state.containers) for each in service.parsed(state.previous)})


def _keep_restored_state(journal: Journal, state: State) -> None:
    """Keep what visitors wrote to the restored state before it was undone."""
    if journal.has_served:
        kept = f"{state.former}_taken_back"
        journal.new.rename(kept)
        output.say(f"the restored state, which was live for a moment, is kept in {kept} until the next backup")


def back(host: Host) -> None:
    """Undo a restore whose site is not well from outside. Raises Failure as `recover` does."""
    with undoing(host) as journal:
        if journal.phase == SERVING:
            journal.enter(SWAPPING)
        try:
            recover(host, journal)
        finally:
            forget(host)


def end(host: Host) -> None:
    """Remove the previous containers; the previous state is kept until the next backup."""
    journal = Journal.of(host.config)
    state, backup = journal.state, journal.wanted.backup
    reached("the former containers go")
    running.remove(host, [name for each in service.parsed(state.services) for name in running.unnamed(host, each)])
    journal.remove()
    output.say(f"restored {backup}; the previous state is kept in {state.former} until the next backup")


def forget(host: Host) -> None:
    """Remove what was unpacked, unless it may be in use."""
    journal = Journal.of(host.config)
    if not journal.may_be_in_use:
        journal.remove()


def finish_interrupted(host: Host) -> None:
    """Finish or undo an interrupted restore, before the next run under the lock or at boot. Raises Failure."""
    with undoing(host) as journal:
        if journal.phase == SERVING:
            open_site(host, journal)
            end(host)
            return
        if journal.phase == SWAPPING:
            output.say(f"the restore of {journal.wanted.backup} was interrupted")
            _try_to_recover(host, journal)
        forget(host)
        if journal.may_be_in_use:
            raise Failure(
                f"The previous state could not be put back: it is in {journal.state.former}, the restored one in "
                f"{journal.new}. Fix the errors above, then run any command again.",
                exit_code=ROLLBACK_FAILED,
            )


def _try_to_recover(host: Host, journal: Journal) -> None:
    try:
        recover(host, journal)
    except Failure as failure:
        output.say(str(failure))
