"""Who is called by https must show a certificate of a known authority; plain http reads no authorities at all."""

import ssl

from functions.common.adapters.http_client import trust


def test_https_is_checked_against_the_authorities_which_are_read_once() -> None:
    context = trust("https://git.example.com/api/v1")
    assert context.cert_store_stats()["x509_ca"] > 0
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trust("HTTPS://api.example.com") is context


def test_plain_http_trusts_nobody_should_it_come_to_tls() -> None:
    context = trust("http://git.example.com/api/v1")
    assert context.cert_store_stats()["x509_ca"] == 0
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
