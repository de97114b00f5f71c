"""Composition root of manage-apps.

Handlers and the adapters of one group alone are imported at the first request to the group.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from functions.common.adapters.lazy import lazy
from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.adapters.postgres.apps import PostgresAppRegister
from functions.common.adapters.postgres.audit import PostgresAuditLog, PostgresAuditTrail
from functions.common.adapters.postgres.limits import (
    PostgresLoginAttempts,
    PostgresRateLimit,
    address_limit,
    strangers,
)
from functions.common.adapters.postgres.members import PostgresMembers, PostgresSshKeys
from functions.common.platform.core import Core, check_migrations, core
from functions.common.platform.forge import login
from functions.common.ports.accounts import ForgeLogin
from functions.common.ports.apps import Cipher
from functions.common.ports.events import EventSink
from functions.common.ports.forge import ForgeHeads, Repositories
from functions.common.ports.limits import Rate
from functions.common.ports.logs import BuildLogs, RuntimeLogs
from functions.common.runtime.http import Endpoint, http_target, limit_body
from functions.manage_apps.api import Api
from functions.manage_apps.limits import RequestLimits

if TYPE_CHECKING:
    from functions.common.adapters import passwords, trigger_files
    from functions.common.adapters import ssh_keys as public_keys
    from functions.common.adapters.dns import txt_records
    from functions.common.adapters.postgres import apps as apps_tables
    from functions.common.adapters.postgres import builds as builds_tables
    from functions.common.adapters.postgres import config_vars as config_tables
    from functions.common.adapters.postgres import domains as domains_tables
    from functions.common.adapters.postgres import events as events_tables
    from functions.common.adapters.postgres import forge_accounts as forge_accounts_tables
    from functions.common.adapters.postgres import notifications as notification_tables
    from functions.common.adapters.postgres import pushes as pushes_tables
    from functions.common.adapters.postgres import releases as releases_tables
    from functions.common.adapters.postgres import runs as runs_tables
    from functions.common.adapters.postgres import scales as scales_tables
    from functions.common.adapters.postgres import sealed as sealed_tables
    from functions.common.adapters.postgres import usage as usage_tables
    from functions.common.adapters.postgres import users as users_tables
    from functions.manage_apps import (
        account,
        apps,
        attention,
        audit,
        collaborators,
        config,
        document,
        domains,
        events,
        forge_login,
        logs,
        notifications,
        operations,
        projects,
        pushes,
        releases,
        runs,
        ssh_keys,
        tokens,
        usage,
        users,
        webhooks,
    )
else:
    passwords = lazy("functions.common.adapters.passwords")
    public_keys = lazy("functions.common.adapters.ssh_keys")
    trigger_files = lazy("functions.common.adapters.trigger_files")
    apps_tables = lazy("functions.common.adapters.postgres.apps")
    events_tables = lazy("functions.common.adapters.postgres.events")
    forge_accounts_tables = lazy("functions.common.adapters.postgres.forge_accounts")
    notification_tables = lazy("functions.common.adapters.postgres.notifications")
    config_tables = lazy("functions.common.adapters.postgres.config_vars")
    domains_tables = lazy("functions.common.adapters.postgres.domains")
    txt_records = lazy("functions.common.adapters.dns.txt_records")
    builds_tables = lazy("functions.common.adapters.postgres.builds")
    pushes_tables = lazy("functions.common.adapters.postgres.pushes")
    releases_tables = lazy("functions.common.adapters.postgres.releases")
    sealed_tables = lazy("functions.common.adapters.postgres.sealed")
    usage_tables = lazy("functions.common.adapters.postgres.usage")
    runs_tables = lazy("functions.common.adapters.postgres.runs")
    scales_tables = lazy("functions.common.adapters.postgres.scales")
    users_tables = lazy("functions.common.adapters.postgres.users")
    account = lazy("functions.manage_apps.account")
    collaborators = lazy("functions.manage_apps.collaborators")
    ssh_keys = lazy("functions.manage_apps.ssh_keys")
    usage = lazy("functions.manage_apps.usage")
    users = lazy("functions.manage_apps.users")
    webhooks = lazy("functions.manage_apps.webhooks")
    apps = lazy("functions.manage_apps.apps")
    attention = lazy("functions.manage_apps.attention")
    audit = lazy("functions.manage_apps.audit")
    config = lazy("functions.manage_apps.config")
    document = lazy("functions.manage_apps.document")
    domains = lazy("functions.manage_apps.domains")
    events = lazy("functions.manage_apps.events")
    forge_login = lazy("functions.manage_apps.forge_login")
    logs = lazy("functions.manage_apps.logs")
    operations = lazy("functions.manage_apps.operations")
    projects = lazy("functions.manage_apps.projects")
    notifications = lazy("functions.manage_apps.notifications")
    pushes = lazy("functions.manage_apps.pushes")
    releases = lazy("functions.manage_apps.releases")
    runs = lazy("functions.manage_apps.runs")
    tokens = lazy("functions.manage_apps.tokens")

MAX_BODY = 1024 * 1024
STREAM_SECONDS = 25  # the manifest ends requests after 30
RUN_SECONDS = 10
STREAMS = 4  # for each process; a function has 8 threads or more
_ROOT = Path(__file__).parents[2]
TRIGGERS = _ROOT / "knative" / "functions"
OPENAPI = _ROOT / "schemas" / "openapi.json"


def create() -> Endpoint:
    """Return the API as this process is configured."""
    parts = core()
    platform = parts.platform
    return limit_body(compose(parts, repositories=platform.repositories(), heads=platform.forge_heads()), MAX_BODY)


def compose(parts: Core, *, repositories: Repositories, heads: ForgeHeads) -> Api:
    """Return the API on PostgreSQL, the broker and the platform that the settings name."""
    handlers = Handlers(
        parts=parts,
        repositories=repositories,
        heads=heads,
        build_logs=parts.platform.build_logs(),
        runtime_logs=parts.platform.runtime_logs(),
        domain=parts.settings.apps.domain,
        sink=parts.sink,
        cipher=parts.cipher,
        forge_login=login(parts.settings),
        has_mail_server=bool(
            parts.settings.notifications.sender
        ),  # the URL has a password, and is no matter of the API,
    )
    return Api(
        handlers.groups(),
        tokens=PostgresAccessTokens(database=parts.database),
        members=PostgresMembers(database=parts.database),
        register=PostgresAppRegister(database=parts.database),
        limits=request_limits(parts),
        proxies=parts.settings.clients.proxies,
    )


def request_limits(parts: Core) -> RequestLimits:
    """Return the limits that the settings name."""
    database, rates = parts.database, parts.settings.rates
    callers = Rate.per_minute(rates.requests)
    return RequestLimits(
        callers=PostgresRateLimit(database=database, name="requests of a caller", rate=callers),
        addresses=address_limit(database, rates.anonymous),
        strangers=strangers(database, "the API", rate=rates.anonymous, proxies=0),
        audit=PostgresAuditLog(database=database),
    )


@dataclass(frozen=True, kw_only=True)
class Handlers:
    """Composes groups of handlers. What needs a setting is made beforehand, so that a missing one stops the start."""

    parts: Core
    repositories: Repositories
    heads: ForgeHeads
    build_logs: BuildLogs
    runtime_logs: RuntimeLogs
    domain: str
    sink: EventSink
    cipher: Cipher
    has_mail_server: bool
    forge_login: ForgeLogin | None

    def groups(self) -> Mapping[str, Callable[[], object]]:
        """Return how to compose each group of the table of routes."""
        return {
            "account": self._account,
            "apps": self._apps,
            "attention": self._attention,
            "audit": self._audit_log,
            "collaborators": self._collaborators,
            "config": self._config,
            "dead_letters": self._dead_letters,
            "document": lambda: document.DocumentHandlers(file=OPENAPI),
            "domains": self._domains,
            "events": self._events,
            "forge_login": self._forge_login,
            "logs": self._logs,
            "operations": self._operations,
            "projects": self._projects,
            "notifications": self._notifications,
            "pushes": self._pushes,
            "releases": self._releases,
            "runs": self._runs,
            "ssh_keys": self._ssh_keys,
            "tokens": self._tokens,
            "usage": lambda: usage.UsageHandlers(
                usage=usage_tables.PostgresUsage(database=self.parts.database), disk=self.parts.platform.disk_usage()
            ),
            "users": self._users,
            "webhooks": self._webhooks,
        }

    def _account(self) -> object:
        return account.AccountHandlers(
            users=users_tables.PostgresUsers(database=self.parts.database),
            tokens=PostgresAccessTokens(database=self.parts.database),
            invitations=users_tables.PostgresInvitations(database=self.parts.database),
            attempts=PostgresLoginAttempts(database=self.parts.database),
            passwords=passwords.Argon2Passwords(),
            sessions=self._sessions,
            changes=self._changes,
            audit=self._audit,
        )

    def _forge_login(self) -> object:
        return forge_login.ForgeLoginHandlers(
            forge=self.forge_login,
            users=users_tables.PostgresUsers(database=self.parts.database),
            invitations=users_tables.PostgresInvitations(database=self.parts.database),
            attempts=PostgresLoginAttempts(database=self.parts.database),
            sessions=self._sessions,
            changes=self._changes,
            audit=self._audit,
        )

    def _apps(self) -> "apps.AppHandlers":
        settings = self.parts.settings
        return apps.AppHandlers(
            register=PostgresAppRegister(database=self.parts.database),
            directory=apps_tables.PostgresAppDirectory(database=self.parts.database),
            editor=apps_tables.PostgresAppEditor(database=self.parts.database),
            repositories=self.repositories,
            usernames=forge_accounts_tables.PostgresForgeAccountRecords(database=self.parts.database),
            sources=self.parts.platform.source_hosts(),
            webhooks=apps_tables.PostgresWebhookSecrets(database=self.parts.database, cipher=self.cipher),
            webhook_urls=self._webhook_urls,
            changes=self._changes,
            audit=self._audit,
            hosts=self._hosts,
            replicas=1 if settings.platform.name == "local" else settings.workloads.replicas,
        )

    def _attention(self) -> object:
        return attention.AttentionHandlers(attention=self.parts.platform.attention())

    def _audit_log(self) -> object:
        return audit.AuditHandlers(trail=PostgresAuditTrail(database=self.parts.database))

    def _collaborators(self) -> object:
        return collaborators.CollaboratorHandlers(
            members=PostgresMembers(database=self.parts.database),
            users=users_tables.PostgresUsers(database=self.parts.database),
            changes=self._changes,
            audit=self._audit,
        )

    def _config(self) -> object:
        config_vars = self._config_vars
        sealed = sealed_tables.PostgresSealedSecrets(
            database=self.parts.database, cipher=self.cipher, others=(config_vars.renew,)
        )
        return config.ConfigHandlers(
            config=config_vars,
            sealed=sealed,
            changes=self._changes,
            counts=self.parts.platform.process_counts(),
            audit=self._audit,
        )

    def _dead_letters(self) -> object:
        return events.DeadLetterHandlers(
            parked=events_tables.PostgresParkedEvents(database=self.parts.database),
            sink=self.sink,
            changes=self._changes,
            audit=self._audit,
        )

    def _domains(self) -> "domains.DomainHandlers":
        return domains.DomainHandlers(
            domains=domains_tables.PostgresDomains(database=self.parts.database),
            proofs=self._proofs,
            changes=self._changes,
            audit=self._audit,
            hosts=self._hosts,
        )

    def _events(self) -> object:
        return events.EventHandlers(
            log=self.parts.log,
            archive=events_tables.PostgresEventArchive(database=self.parts.database),
            sink=self.sink,
            subscriptions=trigger_files.TriggerFiles(folder=TRIGGERS),
            audit=self._audit,
        )

    def _logs(self) -> object:
        return logs.LogHandlers(
            builds=builds_tables.PostgresBuildHistory(database=self.parts.database),
            queue=self.parts.platform.build_queue(),
            cancellations=builds_tables.PostgresBuildLedger(database=self.parts.database),
            changes=self._changes,
            audit=self._audit,
            build_logs=self.build_logs,
            runtime_logs=self.runtime_logs,
            streams=logs.Streams(
                seconds=STREAM_SECONDS,
                pause=0.3,
                now=time.monotonic,
                sleep=time.sleep,
                slots=BoundedSemaphore(STREAMS),
            ),
        )

    def _operations(self) -> object:
        database, platform = self.parts.database, self.parts.platform
        return operations.OperationHandlers(
            history=releases_tables.PostgresReleaseHistory(database=database),
            scales=scales_tables.PostgresScales(database=database),
            limits=scales_tables.PostgresAppLimits(database=database),
            maintenance=scales_tables.PostgresMaintenance(database=database),
            counts=platform.process_counts(),
            images=platform.image_resolver(),
            built=builds_tables.PostgresBuiltImages(database=database),
            heads=self.heads,
            config=self._config_vars,
            domains=domains_tables.PostgresDomains(database=database),
            proofs=self._proofs,
            changes=self._changes,
            audit=self._audit,
            hosts=self._hosts,
        )

    def _projects(self) -> object:
        return projects.ProjectHandlers(
            apps=self._apps(),
            domains=self._domains(),
            register=PostgresAppRegister(database=self.parts.database),
            editor=apps_tables.PostgresAppEditor(database=self.parts.database),
            repositories=self.repositories,
            changes=self._changes,
            audit=self._audit,
            hosts=self._hosts,
        )

    def _notifications(self) -> object:
        return notifications.NotificationHandlers(
            channels=notification_tables.PostgresChannels(database=self.parts.database, cipher=self.cipher),
            changes=self._changes,
            audit=self._audit,
            has_mail_server=self.has_mail_server,
        )

    def _pushes(self) -> object:
        return pushes.PushHandlers(
            records=pushes_tables.PostgresPushRecords(database=self.parts.database),
            queue=self.parts.platform.build_queue(),
            hosts=self._hosts,
        )

    def _releases(self) -> object:
        return releases.ReleaseHandlers(
            history=releases_tables.PostgresReleaseHistory(database=self.parts.database),
            config=self._config_vars,
            changes=self._changes,
            audit=self._audit,
            hosts=self._hosts,
        )

    def _runs(self) -> object:
        database = self.parts.database
        waiting = runs.Waiting(
            seconds=RUN_SECONDS, pause=0.03, now=time.monotonic, sleep=time.sleep, slots=BoundedSemaphore(STREAMS)
        )
        table = runs_tables.PostgresRuns(database=database)
        return runs.RunHandlers(
            runs=table,
            inputs=table,
            console=self.parts.platform.run_console(),
            history=releases_tables.PostgresReleaseHistory(database=database),
            changes=self._changes,
            audit=self._audit,
            waiting=waiting,
            now=self.parts.clock.now,
        )

    def _ssh_keys(self) -> object:
        return ssh_keys.SshKeyHandlers(
            keys=PostgresSshKeys(database=self.parts.database),
            reader=public_keys.SshPublicKeys(),
            changes=self._changes,
            audit=self._audit,
        )

    def _tokens(self) -> object:
        return tokens.TokenHandlers(
            tokens=PostgresAccessTokens(database=self.parts.database),
            register=PostgresAppRegister(database=self.parts.database),
            changes=self._changes,
            audit=self._audit,
        )

    def _users(self) -> object:
        return users.UserHandlers(
            users=users_tables.PostgresUsers(database=self.parts.database),
            invitations=users_tables.PostgresInvitations(database=self.parts.database),
            changes=self._changes,
            audit=self._audit,
            clock=self.parts.clock,
        )

    def _webhooks(self) -> object:
        return webhooks.WebhookHandlers(
            webhooks=apps_tables.PostgresWebhookSecrets(database=self.parts.database, cipher=self.cipher),
            urls=self._webhook_urls,
            repositories=self.repositories,
            changes=self._changes,
            audit=self._audit,
        )

    @property
    def _webhook_urls(self) -> "webhooks.WebhookUrls":
        settings = self.parts.settings
        return webhooks.WebhookUrls(gateway=settings.gateway.url, forge=settings.sources.forge_url)

    @property
    def _sessions(self) -> "account.Sessions":
        tokens = PostgresAccessTokens(database=self.parts.database)
        return account.Sessions(tokens=tokens, changes=self._changes, audit=self._audit)

    @property
    def _audit(self) -> PostgresAuditLog:
        return PostgresAuditLog(database=self.parts.database)

    @property
    def _changes(self) -> "events_tables.PostgresChanges":
        parts = self.parts
        return events_tables.PostgresChanges(database=parts.database, log=parts.log, sink=self.sink, clock=parts.clock)

    @property
    def _config_vars(self) -> "config_tables.PostgresConfigVars":
        return config_tables.PostgresConfigVars(database=self.parts.database, cipher=self.cipher)

    @property
    def _proofs(self) -> "domains.DomainProofs":
        settings = self.parts.settings.domains
        return domains.DomainProofs(
            claims=domains_tables.PostgresDomainClaims(database=self.parts.database),
            records=txt_records.DnsTxtRecords(servers=settings.resolvers),
            required=settings.proof == "txt",
        )

    @property
    def _hosts(self) -> "apps.Hosts":
        settings = self.parts.settings
        urls = (settings.gateway.url, settings.sources.forge_url)
        platform = frozenset(host for url in urls if (host := urlsplit(url).hostname))
        return apps.Hosts(domain=self.domain, port=settings.apps.port, platform=platform)


manage_apps = http_target(create, check_migrations)
