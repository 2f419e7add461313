"""Settings from the environment, read once; the two log files; the release. Imitates A0, A1 and A10.

Exists so that a forgotten secret or a wildcard origin stops the start loudly. (The real application invents a
random key instead: then the mistake shows only when the first restart logs everybody out.)
"""

import json
import logging
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHORTEST_SECRET = 32


def flag(name: str, default: str) -> bool:
    return os.getenv(name, default).lower() == "true"


RELEASE: dict[str, str] = json.loads((ROOT / "release.json").read_text())
VERSION = RELEASE["version"]
BREAK = os.getenv("FIXTURE_BREAK", RELEASE["break"])

API_SECRET_KEY = os.getenv("API_SECRET_KEY", "")
JWT_SECRET_KEY = os.getenv("JWT_SECRET_KEY", "")
JWT_EXPIRATION_HOURS = int(os.getenv("JWT_EXPIRATION_HOURS", "24"))
# Not stripped, as in the real application: "https://a, https://b" makes an origin that never matches.
CORS_ORIGINS = os.getenv("CORS_ORIGINS", "http://localhost:3003,http://localhost:3000").split(",")
RATE_LIMIT_ENABLED = flag("RATE_LIMIT_ENABLED", "true")
AUDIT_LOG_ENABLED = flag("AUDIT_LOG_ENABLED", "true")
HTTPS_ONLY = flag("HTTPS_ONLY", "false")
DATA_DIR = Path(os.getenv("DATA_DIR", "/app/data"))
DATABASE_URL = os.getenv("DATABASE_URL", "")
RECORD_GAP = float(os.getenv("FIXTURE_GAP", "0"))


def mistakes() -> list[str]:
    found = [
        f"{name} is missing or shorter than {SHORTEST_SECRET} characters"
        for name, value in (("API_SECRET_KEY", API_SECRET_KEY), ("JWT_SECRET_KEY", JWT_SECRET_KEY))
        if len(value) < SHORTEST_SECRET
    ]
    if "*" in CORS_ORIGINS:
        found.append('CORS_ORIGINS is "*": any site could call this API')
    return found


def refuse_mistakes() -> None:
    """Leave with exit code 1 and every mistake named."""
    if found := mistakes():
        sys.exit("\n".join(f"api_server_secure refuses to start: {mistake}" for mistake in found))


def open_logs() -> None:
    """Append to two files in the *working directory* (A1); never reopened: a rename loses the writer."""
    plain = logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s")
    for handler in (logging.FileHandler("api_server.log"), logging.StreamHandler()):
        handler.setFormatter(plain)
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    audit = logging.FileHandler("audit.log")
    audit.setFormatter(logging.Formatter("%(asctime)s - %(message)s"))
    logging.getLogger("audit").addHandler(audit)
