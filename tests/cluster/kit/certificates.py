"""Keys and certificates of one instance, by the openssl command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CONFIG = "[req]\ndistinguished_name = name\n[name]\n"  # openssl's default would make every certificate an authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The subject of a certificate; Kubernetes takes the user's name and group from it."""

    file: str
    name: str
    group: str = ""
    hosts: tuple[str, ...] = ()


def authority(folder: Path) -> None:
    """Write ca.crt and ca.key, and the key pair that signs the tokens of ServiceAccounts."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "openssl.cnf").write_text(CONFIG)
    _certificate(folder, "ca", "/CN=slipway-cluster", ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"])
    _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", folder / "accounts.key")
    _openssl("pkey", "-in", folder / "accounts.key", "-pubout", "-out", folder / "accounts.pub")


def issue(folder: Path, identity: Identity) -> None:
    """Write <file>.crt and <file>.key, for servers and clients."""
    subject = (f"/O={identity.group}" if identity.group else "") + f"/CN={identity.name}"
    extensions = ["basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth,clientAuth"]
    if identity.hosts:
        names = (f"{'IP' if host[0].isdigit() else 'DNS'}:{host}" for host in identity.hosts)
        extensions.append("subjectAltName=" + ",".join(names))
    _certificate(folder, identity.file, subject, extensions, signer="ca")


def _certificate(folder: Path, file: str, subject: str, extensions: list[str], *, signer: str = "") -> None:
    signed = ["-CA", folder / f"{signer}.crt", "-CAkey", folder / f"{signer}.key"] if signer else []
    added = [word for extension in extensions for word in ("-addext", extension)]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / f"{file}.key"]
    place = ["-config", folder / "openssl.cnf", "-subj", subject, "-days", "365", "-out", folder / f"{file}.crt"]
    _openssl("req", "-x509", *key, *place, *signed, *added)


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True)
