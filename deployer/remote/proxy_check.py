"""Whether the proxy's image takes a configuration: tested by nginx itself, in a container without a network."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from deployer.remote import proxy
from deployer.remote.certificate import pair
from deployer.remote.certificate.pair import Pair
from deployer.remote.failure import Failure
from deployer.remote.host import Host

PULL_SECONDS = 600.0


def check(host: Host, directory: Path) -> None:
    """Raises Failure with what nginx prints of the nginx.conf in a directory, and of the files that it names there."""
    image = host.config.proxy_image
    if not host.docker("image", "inspect", image).succeeded:
        pulled = host.docker("pull", "--quiet", image, limit=PULL_SECONDS)
        if not pulled.succeeded:
            raise Failure(f"{image} could not be pulled:\n{pulled.last_lines}")
    test = ("nginx", "-t", "-q", "-c", proxy.CONFIGURATION)
    mounted = f"{directory}:/etc/nginx/deployer:ro"
    tested = host.docker("run", "--rm", "--network=none", "-v", mounted, image, *test)
    if not tested.succeeded:
        raise Failure(f"{image} refuses nginx.conf:\n{tested.last_lines}")


def check_staged(host: Host, staged: Path) -> None:
    """The same for new files, which are below `staged` under their full paths, together with the present others."""
    with TemporaryDirectory() as made:
        try:
            _fill(host, Path(made), staged)
        except OSError as error:
            raise Failure(f"the configuration could not be copied for its test: {error}") from error
        check(host, Path(made))


def _fill(host: Host, tree: Path, staged: Path) -> None:
    present = host.config.nginx
    (tree / "conf.d").mkdir()
    (tree / "ssl").mkdir()
    _copy(present / "conf.d", tree / "conf.d")
    if (present / "nginx.conf").exists():
        shutil.copy2(present / "nginx.conf", tree)
    _copy(staged / present.relative_to("/"), tree)
    if pair.installed(host).exists:
        _copy(present / "ssl", tree / "ssl")
    else:
        pair.make_self_signed(host, Pair.below(tree / "ssl"))


def _copy(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
