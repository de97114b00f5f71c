"""Login, session, forms and headers of the dashboard."""

from http import HTTPStatus

import pytest

from functions.dashboard.session import own_path
from tests.functions.dashboard.conftest import Browser, DashboardWorld, text_of

EMAIL = "ada@example.org"


@pytest.fixture
def ada(dashboard: DashboardWorld) -> Browser:
    return dashboard.browser(dashboard.user(EMAIL))


def test_a_page_without_a_session_leads_to_the_login_and_back(dashboard: DashboardWorld) -> None:
    dashboard.user(EMAIL)
    browser = dashboard.browser()

    asked = browser.get("/apps?after=m")
    form = browser.get("/login?next=%2Fdashboard%2Fapps%3Fafter%3Dm")
    answer = browser.send(
        "/login", {"email": EMAIL, "password": "correct horse battery", "next": "/dashboard/apps?after=m"}
    )

    assert asked.status_code == HTTPStatus.SEE_OTHER
    assert asked.headers["Location"] == "/dashboard/login?next=%2Fdashboard%2Fapps%3Fafter%3Dm"
    assert 'name="next" value="/dashboard/apps?after=m"' in form.get_data(as_text=True)
    assert answer.headers["Location"] == "/dashboard/apps?after=m"
    assert browser.get("/apps?after=m").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/dashboard",
        "//evil.example/dashboard",
        "/dashboard/../v1/apps",
        "/dashboard//evil.example",
        "/dashboard\\evil",
        "/dashboard/a\nb",
        "/dashboardx",
        "dashboard",
        "",
    ],
)
def test_a_login_leads_to_no_foreign_place(path: str) -> None:
    assert own_path(path) == "/dashboard"


def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(dashboard: DashboardWorld) -> None:
    """Apps answer below the same domain: an app could give its visitors a session of the app's owner otherwise."""
    dashboard.user(EMAIL)
    (cookie,) = dashboard.browser().log_in(EMAIL).headers.getlist("Set-Cookie")

    assert cookie.startswith("__Host-slipway-session=slipway_")  # a browser wants it Secure, of one host, for all paths
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain=" not in cookie
    assert "Expires=" in cookie


def test_a_wrong_password_shows_the_form_again_without_it(dashboard: DashboardWorld) -> None:
    dashboard.user(EMAIL)
    answer = dashboard.browser().send("/login", {"email": EMAIL, "password": "wrong password"})

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert "the email or the password is wrong" in text_of(answer)
    assert EMAIL in answer.get_data(as_text=True)
    assert "wrong password" not in answer.get_data(as_text=True)


def test_a_form_without_the_sessions_token_changes_nothing(dashboard: DashboardWorld, ada: Browser) -> None:
    other = dashboard.browser(dashboard.user("bob@example.org"))
    refused = [
        ada.send("/apps/new", {"name": "shop", "csrf": ""}),
        ada.send("/apps/new", {"name": "shop", "csrf": "0" * 64}),
        ada.send("/apps/new", {"name": "shop"}, **{"Sec-Fetch-Site": "cross-site"}),
        ada.send("/apps/new", {"name": "shop"}, **{"Sec-Fetch-Site": "same-site"}),
    ]
    page = other.get("/apps/new").get_data(as_text=True)
    foreign = page.partition('name="csrf" value="')[2].partition('"')[0]
    refused.append(ada.send("/apps/new", {"name": "shop", "csrf": foreign}))

    assert [one.status_code for one in refused] == [HTTPStatus.FORBIDDEN] * 5
    assert len(foreign) == 64
    assert dashboard.api.database.run("select name from projects") == []


def test_a_login_from_another_site_is_refused(dashboard: DashboardWorld) -> None:
    dashboard.user(EMAIL)
    fields = {"email": EMAIL, "password": "correct horse battery"}
    browser = dashboard.browser()
    answers = [
        browser.send("/login", fields, **{"Sec-Fetch-Site": "cross-site"}),
        browser.send("/login", fields, **{"Sec-Fetch-Site": "", "Origin": "https://evil.example"}),
        browser.send("/login", fields, **{"Sec-Fetch-Site": "", "Origin": "null"}),
        browser.send("/login", fields, **{"Sec-Fetch-Site": "", "Origin": "https://slipway.example.org"}),
    ]

    assert [one.status_code for one in answers] == [403, 403, 403, 303]


def test_a_session_that_was_ended_elsewhere_leads_to_the_login(dashboard: DashboardWorld, ada: Browser) -> None:
    token = ada.session
    assert dashboard.api.call("POST", "/v1/auth/logout", token=token).status == HTTPStatus.OK
    answer = ada.get("/apps/new")

    assert answer.headers["Location"] == "/dashboard/login?next=%2Fdashboard%2Fapps%2Fnew"
    assert ada.session == ""


def test_a_form_of_an_ended_session_leads_back_to_its_page_after_the_login(
    dashboard: DashboardWorld, ada: Browser
) -> None:
    token = ada.session
    dashboard.api.call("POST", "/v1/auth/logout", token=token)
    where = {"Referer": "https://slipway.example.org/dashboard/apps/new"}

    assert ada.send("/apps/new", {"name": "shop"}, **where).headers["Location"].endswith("%2Fdashboard%2Fapps%2Fnew")


def test_logging_out_revokes_the_token(dashboard: DashboardWorld, ada: Browser) -> None:
    token = ada.session
    assert ada.send("/logout").headers["Location"] == "/dashboard/login?done=logged-out"

    assert ada.session == ""
    assert dashboard.api.call("GET", "/v1/whoami", token=token).status == HTTPStatus.UNAUTHORIZED


def test_every_answer_forbids_foreign_content_and_frames(ada: Browser) -> None:
    for path in ("/login", "/apps", "/none", "/static/none.css", "/apps/none"):
        headers = ada.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin")


def test_the_address_of_the_guide_leads_to_the_page(ada: Browser) -> None:
    answer = ada.client.get("/runtime/dashboard/account", base_url="https://slipway.example.org")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/dashboard/account")


def test_static_files_are_kept_by_browsers_and_sent_compressed(ada: Browser) -> None:
    page = ada.get("/apps").get_data(as_text=True)
    url = page.partition('rel="stylesheet" href="/dashboard')[2].partition('"')[0]
    plain, compressed = ada.get(url), ada.get(url, **{"Accept-Encoding": "gzip, br"})

    assert "immutable" in plain.headers["Cache-Control"]
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert len(compressed.get_data()) < len(plain.get_data())


@pytest.mark.parametrize(
    "path",
    [
        "/apps/%00",
        "/apps/%ff",
        "/apps/..%2f..%2fv1%2fusers",
        "/apps/" + "a" * 5000,
        "/apps?after=%00",
        "/apps?after=%ff&after=b",
        "/pushes/%ed%a0%80",
        "/pushes/abc",
        "/dead-letters/99999999999999999999999999",
        "/dead-letters?state=none",
        "/dead-letters?after=x",
        "/builds/%2e%2e/log",
        "/audit?after=-1",
        "/static/../app.py",
        "/apps/none/settings",
    ],
)
def test_an_odd_address_is_refused_with_a_page(dashboard: DashboardWorld, ada: Browser, path: str) -> None:
    del dashboard
    answer = ada.get(path)

    assert answer.status_code in {200, 400, 403, 404, 422}, answer.get_data()
    assert "internal error" not in answer.get_data(as_text=True)


def test_an_odd_form_is_refused_with_a_page(ada: Browser) -> None:
    odd = "a\0b", "\ud800".encode(errors="surrogatepass").decode(errors="replace"), "x" * 100_000, "\r\n", "<>\"'&"
    fields = {"/apps/new": "name", "/account/ssh-keys": "public_key", "/account/tokens": "token_name"}
    for path, name in fields.items():
        for text in odd:
            answer = ada.send(path, {"scope": "read", "days": "1", name: text})
            assert answer.status_code in {400, 409, 422}, (path, text[:10], answer.status_code)
            assert "Not done." in text_of(answer)
