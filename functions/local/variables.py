"""Which variables of the person who starts the platform reach its builds, and what they say to each tool."""

from collections.abc import Mapping

_NAMES = ("HOME", "USER", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_AUTHORITIES = ("CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "HTTPLIB2_CA_CERTS")
_NODE = ("NODE_OPTIONS", "NODE_USE_SYSTEM_CA", "NODE_USE_ENV_PROXY")
# Proxies have names in both cases, such as HTTPS_PROXY and https_proxy.
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})
# Package managers are configured by variables, in both cases: indexes, credentials, authorities, time limits.
_PREFIXES = ("lc_", "uv_", "pip_", "poetry_", "pipenv_", "npm_config_", "pnpm_config_", "yarn_", "bun_config_")
# What a shell sets for a project of its own would change what is built of another.
_OF_A_SHELL = frozenset(
    {"UV_PYTHON", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_CACHE_DIR", "UV_LINK_MODE", "UV_TOOL_DIR", "UV_ENV_FILE"}
    | {"PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIREMENT", "PIP_CONSTRAINT", "POETRY_ACTIVE", "PIPENV_ACTIVE"}
)
# One setting serves every tool: a person who has set it for one does not know which of them a build uses.
_SAME = (
    ("SSL_CERT_FILE", ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")),
    ("REQUESTS_CA_BUNDLE", ("SSL_CERT_FILE",)),
    ("NODE_EXTRA_CA_CERTS", ("SSL_CERT_FILE",)),
    ("GIT_SSL_CAINFO", ("SSL_CERT_FILE",)),
    ("UV_DEFAULT_INDEX", ("UV_INDEX_URL", "PIP_INDEX_URL")),
    ("UV_INDEX", ("UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")),
    ("UV_FIND_LINKS", ("PIP_FIND_LINKS",)),
    ("UV_INSECURE_HOST", ("PIP_TRUSTED_HOST",)),
    ("YARN_NPM_REGISTRY_SERVER", ("NPM_CONFIG_REGISTRY", "npm_config_registry")),
    ("YARN_REGISTRY", ("NPM_CONFIG_REGISTRY", "npm_config_registry")),
)


def given_for_builds(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a person set for package managers, proxies and certificate authorities."""
    return {name: value for name, value in environment.items() if value and _is_for_builds(name)}


def _is_for_builds(name: str) -> bool:
    if name in _OF_A_SHELL:
        return False
    lower = name.lower()
    return name in {*_NAMES, *_AUTHORITIES, *_NODE} or lower in _PROXIES or lower.startswith(_PREFIXES)


def for_every_tool(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with those added that say the same to other tools, where they are not set."""
    whole = dict(environment)
    for name, others in _SAME:
        value = next((whole[other] for other in others if whole.get(other)), "")
        if value and not whole.get(name):
            whole[name] = value
    return whole
