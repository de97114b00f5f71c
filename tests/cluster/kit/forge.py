"""The forge of the cluster: Gitea on the node, which sees names and certificates as pods do."""

from pathlib import Path

from tests.cluster.kit.acme import authority_file, save_authority
from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.gitea import ON_NODE, start_gitea
from tests.cluster.kit.gitea_accounts import settings_file
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.node import configure
from tests.cluster.kit.programs import stop
from tests.cluster.kit.steps import step

# In a mount namespace of its own, so that webhooks find hosts of the cluster's DNS and the machine's file stays.
RESOLVING = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def start_forge(cache: Cache, instance: Instance, kubectl: Kubectl) -> None:
    """Start it when DNS and pebble run; again where pebble has made itself a new authority."""
    with step("starting Gitea"):
        authority = authority_file(instance)
        if save_authority(kubectl, instance):
            stop(instance, "gitea")
        resolver = configure(instance, "resolv.conf")
        through: tuple[str | Path, ...] = ("/usr/bin/unshare", "--mount", "/bin/sh", "-c", RESOLVING, resolver)
        # Go trusts this file besides the folder of the machine's own authorities.
        start_gitea(cache, instance, ON_NODE, through=through, environment={"SSL_CERT_FILE": str(authority)})
    print(f"  GITEA_URL, GITEA_TOKEN and GITEA_DEFAULT_ORG: {settings_file(instance)}")
