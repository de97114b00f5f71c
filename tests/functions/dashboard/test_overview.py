"""The pages across apps: what needs a person, and who did what."""

from http import HTTPStatus

import pytest

from tests.functions.dashboard.conftest import Browser, DashboardWorld, text_of

EMAIL, BOB = "ada@example.org", "bob@example.org"


@pytest.fixture
def ada(dashboard: DashboardWorld) -> Browser:
    browser = dashboard.browser(dashboard.user(EMAIL, administrator=True))
    browser.send("/apps/new", {"name": "shop", "git_url": "", "branch": "main"})
    return browser


def test_what_needs_a_person_leads_to_where_it_is_mended(dashboard: DashboardWorld, ada: Browser) -> None:
    assert "Nothing needs you" in text_of(ada.get("/attention"))
    dashboard.api.database.run(
        "insert into dns_records (host, app, state, reason) values ('a.example.net', 'shop', 'refused', 'not ours')"
    )
    dashboard.story.push("push-1", state="building")
    dashboard.api.database.run("update projects set created_at = now() - interval '1 hour'")
    dashboard.api.database.run("update pushes set moved_at = now() - interval '20 minutes'")
    page = ada.get("/attention")

    assert "DNS record refused in shop" in text_of(page)
    assert 'href="/dashboard/pushes/push-1"' in page.get_data(as_text=True)
    assert "shop" not in text_of(dashboard.browser(dashboard.user(BOB)).get("/attention"))


def test_administrators_filter_the_audit_log(ada: Browser) -> None:
    ada.send("/apps/shop/domains", {"host": "www.example.net"})
    ada.send("/apps/shop/domains/remove", {"host": "www.example.net"})
    page = text_of(ada.get("/audit?action=domain.add"))

    assert "domain.add shop" in page
    assert "domain.remove" not in page
    assert "There are no entries." in text_of(ada.get("/audit?actor=stranger"))


def test_refusals_are_shown_with_their_count_and_the_last_of_them(dashboard: DashboardWorld, ada: Browser) -> None:
    dashboard.api.database.run(
        "insert into audit_log (actor, action, target, detail, count, last_at, latest, at) values "
        "('9.8.7.6', 'webhook.refused', 'forgejo', 'unsigned', 7, now(), '<b>d-1</b>', now() - interval '10 minutes')"
    )
    page = ada.get("/audit?action=webhook").get_data(as_text=True)

    assert "7 times until" in text_of(ada.get("/audit?action=webhook"))
    assert "last: &lt;b&gt;d-1&lt;/b&gt;" in page
    assert "There are no entries." in text_of(ada.get("/audit?action=webhook&since=2999-01-01T00:00:00Z"))


def test_owners_see_the_audit_log_of_their_app_and_others_do_not(dashboard: DashboardWorld, ada: Browser) -> None:
    bob = dashboard.browser(dashboard.user(BOB))
    bob.send("/apps/new", {"name": "blog", "git_url": "", "branch": "main"})

    assert "app.create blog" in text_of(bob.get("/apps/blog/audit"))
    assert bob.get("/apps/shop/audit").status_code == HTTPStatus.NOT_FOUND
    assert bob.get("/audit").status_code == HTTPStatus.FORBIDDEN
    assert ada.get("/apps/blog/audit").status_code == HTTPStatus.OK


def test_long_lists_are_read_page_by_page(dashboard: DashboardWorld, ada: Browser) -> None:
    for number in range(60):
        dashboard.api.database.run(
            "insert into audit_log (actor, action, target) values ('eve', 'test', :name)", name=f"t-{number:02}"
        )
    first = ada.get("/audit?actor=eve").get_data(as_text=True)
    address = first.rpartition("Show more</a>")[0].rpartition('href="/dashboard')[2].partition('"')[0]
    second = ada.get(address.replace("&amp;", "&"))

    assert "t-59" in first
    assert "t-09 eve" in text_of(second)
    assert "t-10" not in text_of(second)
