"""Known causes in what package managers print: a host that cannot be reached, a lock file that is out of date."""

import re
from collections.abc import Mapping, Sequence

_URL_HOST = r"https?://(?:[^/@\s`'\")]*@)?(?P<host>[^/\s`'\"):,]+)"
_UNREACHABLE = "{host} cannot be reached from this machine: is it down, or is a proxy needed (HTTPS_PROXY)?"
_UNTRUSTED = "the certificate of {host} is not trusted here: name your authority's file in SSL_CERT_FILE"
_REFUSED = "{host} refuses the platform's credentials ({status})"
# The first of these that a line matches, with the last URL that the lines have shown, is the cause.
_OF_NETWORK = (
    (
        re.compile(
            r"UnknownIssuer|invalid peer certificate|SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY)|CERT_HAS_EXPIRED|"
            r"ERR_TLS_CERT|certificate verify failed|CERTIFICATE_VERIFY_FAILED",
            re.IGNORECASE,
        ),
        _UNTRUSTED,
    ),
    (
        re.compile(
            r"dns error|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|Connection refused|"
            r"connection timed out|operation timed out|ERR_SOCKET_TIMEOUT|Could not resolve host|tcp connect error|"
            r"NewConnectionError|ConnectTimeoutError|Name or service not known|Failed to connect",
            re.IGNORECASE,
        ),
        _UNREACHABLE,
    ),
    (re.compile(r"\b(?P<status>401|403)\b.*(Unauthorized|Forbidden)|E40[13]\b", re.IGNORECASE), _REFUSED),
)
_OF_FILES = (
    (
        re.compile(r"lockfile.*needs to be updated|`uv\.lock`.*outdated|needs to be updated.*`uv lock`", re.IGNORECASE),
        "uv.lock does not fit pyproject.toml: run `uv lock` and commit it",
    ),
    (
        re.compile(r"poetry\.lock was last generated|poetry\.lock is not up to date", re.IGNORECASE),
        "poetry.lock does not fit pyproject.toml: run `poetry lock` and commit it",
    ),
    (
        re.compile(r"Pipfile\.lock.*out of date", re.IGNORECASE),
        "Pipfile.lock does not fit the Pipfile: run `pipenv lock` and commit it",
    ),
    (
        re.compile(r"npm ci.*can only install|package-lock\.json.*not in sync|EUSAGE", re.IGNORECASE),
        "package-lock.json does not fit package.json: run `npm install` and commit it",
    ),
    (
        re.compile(r"ERR_PNPM_OUTDATED_LOCKFILE|frozen-lockfile.*not up to date", re.IGNORECASE),
        "pnpm-lock.yaml does not fit package.json: run `pnpm install` and commit it",
    ),
    (
        re.compile(r"Your lockfile needs to be updated|YN0028", re.IGNORECASE),
        "yarn.lock does not fit package.json: run `yarn install` and commit it",
    ),
    (
        re.compile(r"lockfile had changes, but lockfile is frozen", re.IGNORECASE),
        "bun's lock file does not fit package.json: run `bun install` and commit it",
    ),
    (re.compile(r"ERESOLVE"), "npm finds packages whose peer dependencies contradict each other"),
    (
        re.compile(r"Multiple top-level (packages|modules) discovered"),
        "setuptools finds several folders and cannot tell which is the package",
    ),
    (
        re.compile(
            r"(?P<what>pg_config executable not found|mysql_config: not found|fatal error: [\w./-]+: No such file)"
        ),
        "a system library is missing ({what}): use a package with wheels, or let the operator install it",
    ),
    (
        re.compile(r"JavaScript heap out of memory"),
        "Node.js ran out of memory: the script may set NODE_OPTIONS=--max-old-space-size=4096",
    ),
)
# What may follow from an unreachable host is named only where there is none.
_OF_PACKAGES = (
    (re.compile(r"No solution found when resolving"), "the versions that are asked for cannot be had together"),
    (
        re.compile(r"(sh|bash): (line )?\d*:? ?(?P<what>[\w@./-]+): (command )?not found"),
        "the command `{what}` is not there: is its package among the dependencies?",
    ),
)


def known_cause(lines: Sequence[str]) -> str:
    """Return what is known to cause the failure that these lines tell of, as the end of a sentence; empty if nothing.

    Lines that contradict each other are of several attempts: the first cause that is found counts.
    """
    text = "\n".join(lines)
    return _first(_OF_FILES, text, {}) or _of_network(text) or _first(_OF_PACKAGES, text, {})


def _of_network(text: str) -> str:
    host = _last_host(text)
    return _first(_OF_NETWORK, text, {"host": host, "status": "403"}) if host else ""


def _first(causes: Sequence[tuple[re.Pattern[str], str]], text: str, known: Mapping[str, str]) -> str:
    for pattern, cause in causes:
        if match := pattern.search(text):
            named = {name: value for name, value in match.groupdict().items() if value}
            return cause.format(**{**known, **named})
    return ""


def _last_host(text: str) -> str:
    hosts = [match["host"] for match in re.finditer(_URL_HOST, text)]
    hosts += re.findall(r"(?:ENOTFOUND|EAI_AGAIN|Could not resolve host:?) (?P<host>[\w.-]+\.[\w-]+)", text)
    return hosts[-1] if hosts else ""
