"""What makes two provisioned hosts the same, asked of each."""

from testbed.host import TestHost

ROOT = "/opt/biometric-did"

LISTINGS = {
    "file": f"find /etc {ROOT} \\( -path {ROOT}/source/.git -o -path {ROOT}/logs -o -path {ROOT}/data "
    f"-o -path {ROOT}/nginx/logs -o -path /etc/letsencrypt -o -path /etc/ssl/certs \\) -prune "
    "-o -printf '%p\\t%y %m %U:%G\\n' | sed -E 's|/releases/[0-9]+_[0-9]+-|/releases/WHEN-|'",
    "content": f"cd {ROOT}; sha256sum docker-compose.yml nginx/nginx.conf nginx/conf.d/*.conf .deployer/bin/* "
    ".deployer/docker/* /etc/cron.d/* /etc/logrotate.d/biometric-did /etc/docker/daemon.json "
    "| awk '{print $2 \"\\t\" $1}'",
    "settings": f"sed 's/\\(SECRET[A-Z_]*\\)=.*/\\1/; s/$/\\t/' {ROOT}/.env",
    "rule": "sed -n 's/^### tuple ### \\(.*\\)/\\1\\t/p' /etc/ufw/user.rules /etc/ufw/user6.rules | sort",
    "package": "dpkg-query -W -f '${Package}\\t${db:Status-Abbrev}\\n'",
    "container": "docker ps -a --format '{{.Label \"com.docker.compose.service\"}}\\t{{.State}} {{.Image}}' | sort",
    "image": "docker image ls --format '{{.Repository}}:{{.Tag}}\\t' | sort -u",
    "network": "docker network ls --format '{{.Name}}\\t{{.Driver}}'",
}
"""What makes two hosts the same: lines of a name and, after a tab, what it is."""


def listing(host: TestHost) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, command in LISTINGS.items():
        for line in host.exec(command).stdout.splitlines():
            name, _, value = line.partition("\t")
            found[f"{kind} {name}"] = value
    return found
