"""The contract of Certificates."""

from typing import Protocol

import pytest

from functions.common.errors import Unavailable
from functions.common.ports.network import Certificates

HOST = "hello.example.org"
LATER = "2099-01-01T00:00:00+00:00"


class CertificateWorld(Protocol):
    """An issuer, and a way to make it issue."""

    @property
    def certificates(self) -> Certificates:
        """Return the issuer under test."""
        ...

    def issue(self, host: str, not_after: str) -> None:
        """Issue the certificate."""
        ...

    def break_down(self) -> None:
        """Make its server unreachable."""
        ...


class CertificatesContract:
    """Subclasses provide the fixture `world`."""

    def test_a_certificate_that_was_not_requested_is_not_ready(self, world: CertificateWorld) -> None:
        """And the reason says so."""
        status = world.certificates.status(HOST)

        assert (status.ready, status.not_after) == (False, "")
        assert status.reason

    def test_a_certificate_that_is_being_issued_has_no_reason(self, world: CertificateWorld) -> None:
        """It is neither ready nor failed."""
        status = world.certificates.ensure(HOST, owner="hello")

        assert (status.ready, status.reason) == (False, "")

    def test_a_valid_certificate_is_not_issued_again(self, world: CertificateWorld) -> None:
        """However often it is requested."""
        world.certificates.ensure(HOST, owner="hello")
        world.issue(HOST, LATER)

        for _ in range(2):
            status = world.certificates.ensure(HOST, owner="hello")
            assert (status.ready, status.not_after) == (True, LATER)

    def test_a_deleted_certificate_is_gone(self, world: CertificateWorld) -> None:
        """A second time is no error."""
        world.certificates.ensure(HOST, owner="hello")
        world.issue(HOST, LATER)
        world.certificates.delete(HOST)
        world.certificates.delete(HOST)

        assert not world.certificates.status(HOST).ready

    def test_an_outage_is_unavailable(self, world: CertificateWorld) -> None:
        """It is not mistaken for an answer."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.certificates.ensure(HOST, owner="hello")
