"""SSH public keys, read by the package cryptography."""

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.common.adapters.lazy import lazy
from functions.common.errors import Rejected
from functions.common.ports.accounts import PublicKey

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
else:
    exceptions = lazy("cryptography.exceptions")
    serialization = lazy("cryptography.hazmat.primitives.serialization")
    rsa = lazy("cryptography.hazmat.primitives.asymmetric.rsa")

MIN_RSA_BITS = 2048
_MAX_LENGTH = 16 * 1024
_ADVICE = "paste the line of a .pub file, for example of ~/.ssh/id_ed25519.pub"


@dataclass(frozen=True, slots=True)
class SshPublicKeys:
    """PublicKeyReader by cryptography's loader of OpenSSH keys."""

    def read(self, text: str) -> PublicKey:
        """Return the key; see PublicKeyReader."""
        line = text.strip()
        if "PRIVATE KEY" in line:
            msg = f"public_key: this is a private key, which must never leave your machine: {_ADVICE}"
            raise Rejected(msg)
        kind, _, rest = line.partition(" ")
        encoded, _, comment = rest.strip().partition(" ")
        if not encoded or len(line) > _MAX_LENGTH or len(line.splitlines()) != 1 or not line.isprintable():
            msg = f"public_key: not one line of the form `TYPE BASE64 COMMENT`: {_ADVICE}"
            raise Rejected(msg)
        if kind == "ssh-dss":
            msg = "public_key: DSA is broken and OpenSSH refuses it: use ed25519 (`ssh-keygen -t ed25519`)"
            raise Rejected(msg)
        _check(f"{kind} {encoded}")
        blob = base64.b64decode(encoded)
        fingerprint = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
        return PublicKey(
            text=f"{kind} {base64.b64encode(blob).decode()}",
            fingerprint=f"SHA256:{fingerprint}",
            comment=comment.strip(),
        )


def _check(key: str) -> None:
    try:
        loaded = serialization.load_ssh_public_key(key.encode())
    except exceptions.UnsupportedAlgorithm as error:
        msg = f"public_key: the type {key.partition(' ')[0]} is not supported: use ed25519 (`ssh-keygen -t ed25519`)"
        raise Rejected(msg) from error
    except ValueError as error:
        msg = f"public_key: not a valid SSH public key: {_ADVICE}"
        raise Rejected(msg) from error
    if isinstance(loaded, rsa.RSAPublicKey) and loaded.key_size < MIN_RSA_BITS:
        msg = f"public_key: an RSA key needs {MIN_RSA_BITS} bits or more, this has {loaded.key_size}: use ed25519"
        raise Rejected(msg)
