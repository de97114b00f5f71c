"""Requests that were changed at random, each repeatable by its seed."""

import random
from collections.abc import Callable, Sequence

from tests.attacks.requests import Attack

_LARGEST = 200_000
_TOKENS = [
    b"\0",
    b"\r\n",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"%",
    b"%00",
    b"%ff",
    b"\\ud800",
    b"\\u0000",
    b"\xc3\xa9",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"x" * 4100,
    b"x" * 70_000,
    b"NaN",
    b"1e400",
    b"-1",
    b"2147483648",
    b"9" * 5000,
    b"[" * 300,
    b'{"a":' * 300,
    b'"',
    b"{",
    b"}",
    b"\\",
    b'"id":"2",',
    b"ce-id: 2\r\n",
    b"ce-type: " + b"x" * 4100 + b"\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Type: application/cloudevents+json\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: keep-alive\r\n",
    b"Upgrade: websocket\r\nConnection: upgrade\r\n",
]

Mutation = Callable[[bytes, random.Random], bytes]


def mutated(attacks: Sequence[Attack], seed: str) -> Attack:
    """Return one of the attacks after one to four changes."""
    chance = random.Random(seed)
    attack = chance.choice(attacks)
    sent = attack.sent
    for _ in range(chance.randint(1, 4)):
        sent = chance.choice(_MUTATIONS)(sent, chance)
    if chance.random() < 0.1:
        sent = chance.choice(attacks).sent + sent
    return Attack(f"{attack.name}, mutated by {seed}", sent[:_LARGEST])


def _slice(sent: bytes, chance: random.Random) -> slice:
    start = chance.randrange(len(sent) + 1)
    return slice(start, start + chance.randint(1, 64))


def _flip(sent: bytes, chance: random.Random) -> bytes:
    changed = bytearray(sent)
    for _ in range(min(len(sent), chance.randint(1, 8))):
        changed[chance.randrange(len(sent))] = chance.randrange(256)
    return bytes(changed)


def _delete(sent: bytes, chance: random.Random) -> bytes:
    part = _slice(sent, chance)
    return sent[: part.start] + sent[part.stop :]


def _double(sent: bytes, chance: random.Random) -> bytes:
    part = _slice(sent, chance)
    return sent[: part.stop] + sent[part] * chance.randint(1, 100) + sent[part.stop :]


def _insert(sent: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(sent) + 1)
    return sent[:place] + chance.choice(_TOKENS) + sent[place:]


def _insert_line(sent: bytes, chance: random.Random) -> bytes:
    lines = sent.split(b"\r\n")
    lines.insert(chance.randrange(len(lines)) + 1, chance.choice(_TOKENS))
    return b"\r\n".join(lines)


def _swap_lines(sent: bytes, chance: random.Random) -> bytes:
    lines = sent.split(b"\r\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _truncate(sent: bytes, chance: random.Random) -> bytes:
    return sent[: chance.randrange(len(sent) + 1)]


def _repeat(sent: bytes, chance: random.Random) -> bytes:
    return sent * chance.randint(2, 5)


_MUTATIONS: list[Mutation] = [
    _flip, _delete, _double, _insert, _insert, _insert_line, _insert_line, _swap_lines, _truncate, _repeat
]  # fmt: skip
