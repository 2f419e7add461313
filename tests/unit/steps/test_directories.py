"""7.2 Directories."""

from deployer.steps import directories
from tests.support.fakes import inventory

from .hosts import converged, drifted

HOST = inventory()
TOLD = converged(directories, HOST)["directories"]


def test_guides_modes() -> None:
    """755 for logs and data, 700 for the certificate's directory."""
    modes = {str(item.path): item.mode for item in directories.directories(HOST)}
    assert modes["/opt/biometric-did/logs"] == modes["/opt/biometric-did/data"] == 0o755
    assert modes["/opt/biometric-did/nginx/ssl"] == 0o700


def test_one_is_missing() -> None:
    """Just that one is made."""
    told = "".join(line for line in TOLD.splitlines(keepends=True) if "/acme|" not in line)
    assert drifted(directories, HOST, directories=told) == ["create /opt/biometric-did/.deployer/acme (0755)"]


def test_readable_keys() -> None:
    """A key directory that others may read is mended."""
    told = TOLD.replace("/ssl|700", "/ssl|755")
    assert drifted(directories, HOST, directories=told) == [
        "set /opt/biometric-did/nginx/ssl to 0700 root:root (is 0755 root:root)"
    ]


def test_image_user_keeps_logs() -> None:
    """logs and data are not given back to root: they belong to the image's user (A2)."""
    assert "logs|755|1000:1000" in TOLD
    assert drifted(directories, HOST) == []
