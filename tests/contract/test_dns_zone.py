"""DnsZone: the one-machine table and Cloudflare fulfil the same contract."""

from collections.abc import Iterator

import pytest

from functions.common.adapters.dns.cloudflare import CloudflareApi, CloudflareDnsZone
from functions.common.adapters.local.network import LocalDnsZone
from functions.common.adapters.postgres.client import Postgres
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.network import DnsAction
from tests.contract.deliveries import NOWHERE
from tests.contract.dns_zone import HOST, DnsWorld, DnsZoneContract
from tests.fakes.loopback import Reply, served
from tests.fakes.loopback_cloudflare import TOKEN, ZONE, LoopbackCloudflare, refusal


class _LocalWorld:
    def __init__(self, url: str) -> None:
        self._database = Postgres(url)
        self.zone = LocalDnsZone(database=self._database)

    def put_foreign(self, host: str) -> None:
        sql = "insert into platform.dns_records (host, type, content) values (:host, 'A', '192.0.2.9')"
        self._database.run(sql, host=host)

    def break_down(self) -> None:
        self.zone = LocalDnsZone(database=Postgres(NOWHERE))


class TestLocal(DnsZoneContract):
    """In a real database."""

    @pytest.fixture
    def world(self, database: str) -> DnsWorld:
        """Return an empty zone."""
        return _LocalWorld(database)


class _CloudflareWorld:
    def __init__(self, cloudflare: LoopbackCloudflare, url: str, target: str = "203.0.113.10") -> None:
        self.cloudflare = cloudflare
        self.zone = CloudflareDnsZone(api=CloudflareApi(zone=ZONE, token=TOKEN, url=url), target=target)

    def put_foreign(self, host: str) -> None:
        self.cloudflare.add(name=host, type="A", content="192.0.2.9")

    def break_down(self) -> None:
        api = CloudflareApi(zone=ZONE, token=TOKEN, url="http://127.0.0.1:1")
        self.zone = CloudflareDnsZone(api=api, target="203.0.113.10")


class TestCloudflare(DnsZoneContract):
    """HTTP on this machine."""

    @pytest.fixture
    def world(self) -> Iterator[DnsWorld]:
        """Yield an empty zone."""
        cloudflare = LoopbackCloudflare()
        with served(cloudflare) as url:
            yield _CloudflareWorld(cloudflare, url)

    def test_a_correct_record_costs_one_read(self, world: _CloudflareWorld) -> None:
        """And no write."""
        world.zone.ensure(HOST, owner="hello")
        world.cloudflare.calls.clear()

        assert world.zone.ensure(HOST, owner="hello") is DnsAction.UNCHANGED
        assert world.cloudflare.calls == ["GET"]

    def test_a_changed_record_is_patched_and_keeps_its_other_fields(self, world: _CloudflareWorld) -> None:
        """Tags set by hand stay."""
        record = world.cloudflare.add(name=HOST, type="A", content="192.0.2.1", comment="slipway:hello", tags=["a:b"])

        assert world.zone.ensure(HOST, owner="hello") is DnsAction.UPDATED
        assert (record["content"], record["tags"]) == ("203.0.113.10", ["a:b"])
        assert world.cloudflare.calls == ["GET", "PATCH"]

    def test_a_second_address_is_deleted(self, world: _CloudflareWorld) -> None:
        """It would get half of the requests."""
        for content in ("203.0.113.10", "192.0.2.1"):
            world.cloudflare.add(name=HOST, type="A", content=content, comment="slipway:hello")

        assert world.zone.ensure(HOST, owner="hello") is DnsAction.UPDATED
        assert [one["content"] for one in world.cloudflare.records.values()] == ["203.0.113.10"]

    def test_a_record_of_another_type_is_replaced(self, world: _CloudflareWorld) -> None:
        """An alias and an address cannot coexist."""
        world.cloudflare.add(name=HOST, type="CNAME", content="old.example.org", comment="slipway:hello")

        assert world.zone.ensure(HOST, owner="hello") is DnsAction.UPDATED
        assert [one["type"] for one in world.cloudflare.records.values()] == ["A"]

    def test_a_text_record_of_the_host_is_ignored(self, world: _CloudflareWorld) -> None:
        """It may belong to a certificate authority."""
        world.cloudflare.add(name=HOST, type="TXT", content="proof")

        assert world.zone.ensure(HOST, owner="hello") is DnsAction.CREATED
        assert world.zone.delete(HOST) is DnsAction.DELETED
        assert [one["type"] for one in world.cloudflare.records.values()] == ["TXT"]

    @pytest.mark.parametrize("code", [81057, 81058])
    def test_a_record_that_was_just_created_is_no_error(self, world: _CloudflareWorld, code: int) -> None:
        """A concurrent call created it."""
        empty = {"result": [], "success": True, "errors": [], "messages": []}
        world.cloudflare.failures = [Reply(status=200, body=empty), refusal(400, code, "exists")]

        assert world.zone.ensure(HOST, owner="hello") is DnsAction.CREATED

    def test_all_pages_are_read(self, world: _CloudflareWorld) -> None:
        """There are more records than fit on one page."""
        world.cloudflare.page = 2
        for number in range(5):
            world.zone.ensure(f"h{number}.example.org", owner="hello")

        assert len(world.zone.owned()) == 5

    def test_too_many_requests_is_unavailable_and_says_how_long(self, world: _CloudflareWorld) -> None:
        """The broker tries again."""
        world.cloudflare.failures = [Reply(status=429, headers={"Retry-After": "120"}, body={"success": False})]

        with pytest.raises(Unavailable, match="120 s"):
            world.zone.ensure(HOST, owner="hello")

    @pytest.mark.parametrize("reply", [Reply(status=502), refusal(500, 1000, "internal"), Reply(status=200, body=[])])
    def test_an_answer_that_is_not_the_apis_is_unavailable(self, world: _CloudflareWorld, reply: Reply) -> None:
        """It may be of a proxy in between."""
        world.cloudflare.failures = [reply]

        with pytest.raises(Unavailable):
            world.zone.ensure(HOST, owner="hello")

    def test_a_wrong_token_names_the_setting_and_not_the_token(self, world: _CloudflareWorld) -> None:
        """And what it needs."""
        api = CloudflareApi(zone=ZONE, token="stolen", url=world.zone.api.url)
        zone = CloudflareDnsZone(api=api, target="203.0.113.10")

        with pytest.raises(Rejected, match="CLOUDFLARE_API_TOKEN") as refused:
            zone.owned()
        assert "stolen" not in f"{refused.value}{zone!r}"

    @pytest.mark.parametrize(("target", "kind"), [("2001:db8::1", "AAAA"), ("lb.example.net", "CNAME")])
    def test_the_type_follows_from_the_target(self, world: _CloudflareWorld, target: str, kind: str) -> None:
        """An address, or another name."""
        zone = CloudflareDnsZone(api=world.zone.api, target=target)
        zone.ensure(HOST, owner="hello")

        assert [one.type for one in zone.owned()] == [kind]
