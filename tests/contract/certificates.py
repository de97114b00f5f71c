"""What every Certificates keeps to."""

from typing import Protocol

import pytest

from functions.common.errors import Unavailable
from functions.common.ports.network import Certificates

HOST = "hello.example.org"
LATER = "2099-01-01T00:00:00+00:00"


class CertificateWorld(Protocol):
    """An issuer, and a way to let it issue."""

    @property
    def certificates(self) -> Certificates:
        """Return the issuer under test."""
        ...

    def issue(self, host: str, not_after: str) -> None:
        """Let the certificate be there."""
        ...

    def break_down(self) -> None:
        """Make what is behind it unreachable."""
        ...


class CertificatesContract:
    """To be subclassed with a fixture `world`."""

    def test_what_was_never_asked_for_is_not_ready(self, world: CertificateWorld) -> None:
        """And says so."""
        status = world.certificates.status(HOST)

        assert (status.ready, status.not_after) == (False, "")
        assert status.reason

    def test_what_is_being_issued_has_no_reason(self, world: CertificateWorld) -> None:
        """It is neither ready nor failed."""
        status = world.certificates.ensure(HOST, owner="hello")

        assert (status.ready, status.reason) == (False, "")

    def test_a_valid_certificate_stays_however_often_it_is_asked_for(self, world: CertificateWorld) -> None:
        """It is never issued again while it is valid."""
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
        """The caller learns that nothing is known."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.certificates.ensure(HOST, owner="hello")
