"""Reads a request: path, query string and body, each strictly decoded."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from flask import Request

from functions.common.errors import Rejected
from functions.manage_apps.errors import Malformed, UnsupportedMediaType

MAX_PARAMETERS = 100

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_JSON = re.compile(r"application/([\w.+-]+\+)?json\Z", re.IGNORECASE)
_CURL_DEFAULT = "application/x-www-form-urlencoded"  # what `curl -d` sends unless a header says otherwise


def path_of(request: Request) -> str:
    """Return the path. Raises Malformed when it is not UTF-8 or holds NUL."""
    try:
        path = str(request.environ["PATH_INFO"]).encode("latin-1").decode()
    except UnicodeError as error:
        msg = "the path is not UTF-8: percent-encode each byte of it"
        raise Malformed(msg) from error
    if not is_text(path):
        msg = "the path holds NUL, which no name has"
        raise Malformed(msg)
    return path


def parameters_of(query_string: bytes) -> dict[str, str]:
    """Return the query parameters; empty ones are left out.

    Raises Malformed naming the one that is repeated or cannot be decoded.
    """
    text = query_string.decode(errors="surrogateescape")
    if bad := next(filter(_BAD_ESCAPE.search, text.split("&")), ""):
        msg = f"query parameter {bad.partition('=')[0]}: a percent sign is written as %25"
        raise Malformed(msg)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        msg = f"the query string has more than {MAX_PARAMETERS} parameters"
        raise Malformed(msg) from error
    found = dict[str, str]()
    for name, value in pairs:
        if name in found:
            msg = f"query parameter {name}: is given twice"
            raise Malformed(msg)
        if not (is_text(name) and is_text(value)):
            msg = f"query parameter {name!r}: holds NUL, or bytes that are not UTF-8"
            raise Malformed(msg)
        found[name] = value
    return {name: value for name, value in found.items() if value}


def fields_of(content: bytes, media_type: str) -> dict[str, Any]:
    """Return the JSON object of a body; an empty body is an empty object.

    Raises UnsupportedMediaType, Malformed, and Rejected naming a field whose text cannot be stored.
    """
    if not content.strip():
        return {}
    if media_type and media_type != _CURL_DEFAULT and not _JSON.match(media_type):
        msg = f"the Content-Type {media_type!r} is not supported: send JSON with application/json"
        raise UnsupportedMediaType(msg)
    body = _json(content)
    if not isinstance(body, dict):
        msg = "the body must be a JSON object"
        raise Malformed(msg)
    for name, value in body.items():
        if not all(map(is_text, (name, *_texts(value)))):
            msg = f"{name!r} holds NUL or half a surrogate pair, which no text may"
            raise Rejected(msg)
    return body


def is_text(text: str) -> bool:
    """Return whether PostgreSQL can store it: no NUL, and no character without bytes in UTF-8."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))


def _json(content: bytes) -> object:
    try:
        return json.loads(content, object_pairs_hook=_unique, parse_constant=_not_finite)
    except RecursionError as error:
        msg = "the body is not JSON that can be read: it is nested too deeply"
        raise Malformed(msg) from error
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"the body is not JSON{where}"
        raise Malformed(msg) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"the body has the field {twice!r} twice"
        raise Malformed(msg)
    return found


def _not_finite(constant: str) -> NoReturn:
    msg = f"the body is not JSON: {constant} is not a JSON number"
    raise Malformed(msg)


def _texts(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
