"""A release command has ended well in the cluster: its release goes on."""

from collections.abc import Callable

from functions.common.events.envelope import Envelope
from functions.common.ports.deployer import StagedDeployer

Prepared = Callable[[Envelope], tuple[str, str, int] | None]


def handle_object(envelope: Envelope, *, read: Prepared, deployer: StagedDeployer) -> None:
    """Let the release go on whose release command the object says is done; others are none of ours."""
    prepared = read(envelope)
    if prepared:
        app, environment, release = prepared
        deployer.go_on(app, environment, release)
