"""The HTTP side of the dashboard: route, session, form, page, and what every answer says to the browser."""

import logging
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol
from urllib.parse import quote, urlencode

from flask import Request, Response

from functions.common.domain.clients import client_address
from functions.common.errors import SlipwayError, Unavailable
from functions.dashboard import session
from functions.dashboard.api import Connect, NoSession, Refused, visitor_api
from functions.dashboard.routing import Route, router
from functions.dashboard.static_files import StaticFiles
from functions.dashboard.visit import NOTICES, Elsewhere, Page, PlainText, Result, Visit

# The guide's address of the dashboard; its pages are the same.
GUIDE_PREFIX = "/runtime"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_SEE_OTHER, _FORBIDDEN, _NOT_FOUND, _FAILED, _DOWN = 303, 403, 404, 500, 503
_HTMX = "HX-Request"

_log = logging.getLogger("slipway")


class Templates(Protocol):
    """Renders HTML."""

    def render(self, template: str, context: Mapping[str, object]) -> str:
        """Return the text of a template."""
        ...


class Dashboard:
    """Answers requests by the table of routes; `groups` compose the pages by name."""

    def __init__(
        self,
        groups: Mapping[str, Callable[[], object]],
        *,
        connect: Connect,
        templates: Templates,
        static: StaticFiles,
        proxies: int,
    ) -> None:
        self._groups = groups
        self._composed = dict[str, object]()
        self._router = router()
        self._connect = connect
        self._proxies = proxies
        self._templates = templates
        self._static = static

    def __call__(self, request: Request) -> Response:
        """Answer one request with a page, a redirect or a static file."""
        if request.path.startswith(GUIDE_PREFIX + session.HOME):
            where = session.own_path(request.path.removeprefix(GUIDE_PREFIX))
            return _secured(Response(status=308, headers={"Location": quote(where)}))
        if request.path.startswith(self._static.prefix):
            return _secured(self._static.answer(request))
        try:
            return _secured(self._answer(request))
        except NoSession:
            return _secured(self._login(request))
        except SlipwayError as error:
            return _secured(self._problem(request, _status_of(error), str(error)))
        except Exception as error:  # noqa: BLE001 - the visitor must get an answer, and no details
            return _secured(self._problem(request, _FAILED, f"internal error (ref {_logged(error)})"))

    def _answer(self, request: Request) -> Response:
        found = self._router.match(request.method, request.path)
        if found is None:
            return self._problem(request, _NOT_FOUND, "there is no such page")
        route, parts = found
        token = session.token_of(request.cookies)
        if not token and not route.public:
            raise NoSession
        if request.method == "POST" and not session.is_own_form(request, "" if route.public else token):
            return self._problem(request, _FORBIDDEN, "the form is not from this page, or it is too old: open it again")
        visit = self._visit(request, parts, "" if route.public else token)
        return self._respond(request, visit, self._handle(route, visit))

    def _handle(self, route: Route, visit: Visit) -> Result:
        pages = self._pages(route.group)
        try:
            result: Result = getattr(pages, route.handler)(visit)
        except NoSession:
            raise
        except Refused as refusal:
            if not route.page or refusal.status == _NOT_FOUND:
                raise
            shown: Page = getattr(pages, route.page)(visit)
            return replace(shown, status=refusal.status, refusal=refusal)
        return result

    def _pages(self, group: str) -> object:
        if group not in self._composed:
            self._composed[group] = self._groups[group]()
        return self._composed[group]

    def _visit(self, request: Request, parts: Mapping[str, str], token: str) -> Visit:
        forwarded = request.headers.get("X-Forwarded-For", "")
        address = client_address(forwarded, request.remote_addr or "", proxies=self._proxies)
        api = visitor_api(self._connect, token=token, address=address)
        form = request.form.to_dict() if request.method == "POST" else {}
        begun = request.cookies.get(session.BEGUN, "")
        return Visit(path=parts, query=request.args.to_dict(), form=form, api=api, token=token, begun=begun)

    def _respond(self, request: Request, visit: Visit, result: Result) -> Response:
        if isinstance(result, Page):
            return self._page(request, result, visit)
        if isinstance(result, PlainText):
            return Response(result.text, content_type="text/plain; charset=utf-8")
        if isinstance(result, Elsewhere):
            away = Response(status=_SEE_OTHER, headers={"Location": result.url})
            session.keep_begun(away, result.begun)
            return away
        path, mark, fragment = result.to.partition("#")
        if result.notice:
            path += ("&" if "?" in path else "?") + urlencode({"done": result.notice})
        response = Response(status=_SEE_OTHER, headers={"Location": path + mark + fragment})
        if result.login:
            session.keep(response, result.login, result.expires)
        if result.logout:
            session.forget(response)
        if visit.begun:
            session.forget_begun(response)
        return response

    def _page(self, request: Request, page: Page, visit: Visit | None = None) -> Response:
        context = {
            "title": page.title,
            "me": page.me,
            "csrf": session.csrf_token(visit.token) if visit and visit.token else "",
            "path": request.path,
            "refusal": page.refusal,
            "form": visit.form if visit else {},
            "done": request.args.get("done", ""),
            "notices": NOTICES,
            "static": self._static.urls,
            **page.context,
        }
        text = self._templates.render(page.template, context)
        return Response(text, page.status, content_type="text/html; charset=utf-8")

    def _problem(self, request: Request, status: int, text: str) -> Response:
        page = Page(
            template="problem.html", title=_TITLES.get(status, "Refused"), context={"text": text}, status=status
        )
        return self._page(request, page)

    def _login(self, request: Request) -> Response:
        """Lead to the login, and back to the page that was asked for, or that had the form."""
        asked = request.full_path.rstrip("?")
        if request.method not in {"GET", "HEAD"} or _HTMX in request.headers:
            asked = "/" + request.headers.get("Referer", "").partition("://")[2].partition("/")[2]
        query = urlencode({"next": session.own_path(asked)})
        location = f"{session.HOME}/login?{query}"
        response = Response(status=_SEE_OTHER, headers={"Location": location})
        if _HTMX in request.headers:  # a redirect would put the login into a part of the page
            response = Response(status=200, headers={"HX-Redirect": location})
        session.forget(response)
        return response


_TITLES = {_NOT_FOUND: "Not found", _FORBIDDEN: "Not allowed", _DOWN: "Not available", _FAILED: "Something failed"}


def _status_of(error: SlipwayError) -> int:
    if isinstance(error, Refused):
        return error.status
    return _DOWN if isinstance(error, Unavailable) else _FAILED


def _secured(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _logged(error: Exception) -> str:
    """Log where an error happened and of which type it is; its text may hold what a visitor typed."""
    reference = uuid.uuid4().hex[:12]
    fields = {"ref": reference, "traceback": "".join(traceback.format_tb(error.__traceback__))}
    _log.error("internal error: %s", type(error).__name__, extra={"fields": fields})
    return reference
