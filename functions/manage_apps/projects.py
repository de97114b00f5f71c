"""Projects: apps under the names and in the shapes of a project API, over the handlers of apps and domains."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from functions.common.domain.app import DEFAULT_BRANCH
from functions.common.domain.git_url import CloneUrls, full_name_of
from functions.common.errors import NotFound
from functions.common.ports.apps import AppEditor, AppRecord, AppRegister
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.common.ports.forge import Repositories
from functions.manage_apps.access import found_app
from functions.manage_apps.apps import AppHandlers, Hosts, NewApp, record_clone_urls
from functions.manage_apps.domains import DomainHandlers, ProofView, State
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import (
    Body,
    ChangeView,
    Moment,
    NamePage,
    NoBody,
    NoQuery,
    PageView,
    View,
    next_page,
)
from functions.manage_apps.operation import Answer, Call, operation


class NewProject(Body):
    """A repository to push to is created with the project."""

    name: str
    branch: str = DEFAULT_BRANCH


class ProjectView(ChangeView):
    """A project. `deployment_status` is none, pending, running or failed; `deployment_replicas` are those wanted."""

    id: str
    name: str
    git_repo_name: str
    git_clone_ssh: str
    git_clone_http: str
    branch: str
    domain: str
    custom_domain: str
    url: str
    deployment_image: str
    deployment_status: str
    deployment_replicas: int
    created_at: Moment


class Projects(PageView):
    """Projects, by name."""

    items: tuple[ProjectView, ...]


class RepoView(View):
    """A git repository; `full_name` is owner/name, `clone_ssh` is empty where the platform has no git over SSH."""

    owner: str
    name: str
    full_name: str
    private: bool
    clone_ssh: str
    clone_http: str
    html_url: str


class DeletedRepo(ChangeView):
    """The full name of the repository that was deleted."""

    deleted: str


class DomainName(Body):
    """A host of one's own domain."""

    domain: str = Field(min_length=1, max_length=300)


class OneDomain(Body):
    """`domain` may be left out when the project has only one."""

    domain: str = Field(default="", max_length=300)


class DnsRecord(View):
    """The record to create at the DNS provider of the domain; `ttl` is in seconds."""

    type: Literal["CNAME"]
    name: str
    content: str
    ttl: int


class ProjectDomain(ChangeView):
    """A custom domain, and what to point where: `record`, and the same as a sentence in `instructions`.

    While the domain is `unproved`, `proof` is a record that must be there first.
    """

    domain: str
    url: str
    state: State
    proof: ProofView | None
    record: DnsRecord
    instructions: str


class RemovedProjectDomain(ChangeView):
    """The domain that was removed."""

    removed: str


_TTL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectHandlers:
    """The handlers of projects."""

    apps: AppHandlers
    domains: DomainHandlers
    register: AppRegister
    editor: AppEditor
    repositories: Repositories
    changes: Changes
    audit: AuditLog
    hosts: Hosts

    @operation(NoQuery, NewProject, ProjectView, statuses=(201, 202), refusals=(409,))
    def create_project(self, call: Call[NoQuery, NewProject]) -> Answer[ProjectView]:
        """Create a project with a git repository and DNS."""
        new = NewApp(name=call.body.name, branch=call.body.branch)
        created = self.apps.create_app(call.carrying(new))
        record = found_app(self.register, created.body.name)
        return Answer(status=created.status, body=project_view(record, self.hosts), queued=created.queued)

    @operation(NamePage, NoBody, Projects)
    def list_projects(self, call: Call[NamePage, NoBody]) -> Answer[Projects]:
        """List all projects with their status, by name."""
        limit = call.query.limit
        records = self.register.page(after=call.query.after, limit=limit, visible=call.access.visibility)
        items = tuple(project_view(record, self.hosts) for record in records)
        return Answer(body=Projects(items=items, next=next_page(items, limit, lambda one: one.name)))

    @operation(NoQuery, NoBody, ProjectView)
    def show_project(self, call: Call[NoQuery, NoBody]) -> Answer[ProjectView]:
        """Show a project: its repository, deployment and URLs."""
        return Answer(body=project_view(call.app, self.hosts))

    @operation(NoQuery, NoBody, RepoView, statuses=(201, 200), refusals=(409,))
    def create_repository(self, call: Call[NoQuery, NoBody]) -> Answer[RepoView]:
        """Create a git repository for a project that has none; 200 when it has one, 409 when it uses another one."""
        record, name = call.app, call.app.app.name
        if record.repository:
            return Answer(body=_repo_view(record))
        if record.app.git_url:
            msg = f"{name} is deployed from {record.app.git_url}: remove that source first with DELETE"
            raise Conflict(msg)
        with self.changes.begin():
            url = self.apps.create_repository(call, name)
            self.editor.set_repository(name, git_url=url, repository=name)
            record_clone_urls(self.editor, self.repositories, name, url)
            self.audit.record(actor=call.actor, action="repo.create", target=name)
            made = found_app(self.register, name)
        return Answer(status=201, body=_repo_view(made))

    @operation(NoQuery, NoBody, RepoView)
    def show_repository(self, call: Call[NoQuery, NoBody]) -> Answer[RepoView]:
        """Show a project's git repository with its clone URLs."""
        self._check_source(call.app)
        return Answer(body=_repo_view(call.app))

    @operation(NoQuery, NoBody, DeletedRepo)
    def delete_repository(self, call: Call[NoQuery, NoBody]) -> Answer[DeletedRepo]:
        """Delete the project's git repository if the platform created it, else only forget it.

        What runs keeps running.
        """
        record, name = call.app, call.app.app.name
        self._check_source(record)
        with self.changes.begin():
            self.editor.set_repository(name, git_url="", repository="")
            self.editor.set_clone_urls(name, CloneUrls())
            self.audit.record(actor=call.actor, action="repo.delete", target=name, detail=record.app.git_url)
            if record.repository:
                self.repositories.delete(record.repository)
        return Answer(body=DeletedRepo(deleted=_repo_view(record).full_name))

    @operation(NoQuery, DomainName, ProjectDomain, statuses=(201, 200, 202), refusals=(409,))
    def set_project_domain(self, call: Call[NoQuery, DomainName]) -> Answer[ProjectDomain]:
        """Add a custom domain, and say what to point where; 409 when another app has it."""
        added = self.domains.add_domain(call.carrying(NoBody(), host=call.body.domain))
        host = added.body.host
        record = DnsRecord(type="CNAME", name=host, content=call.app.app.domain, ttl=_TTL)
        text = (
            f"create the DNS record {host} CNAME {record.content} at the provider of your domain; "
            "for a domain without a subdomain, which takes no CNAME, an ALIAS or ANAME record"
        )
        proof = added.body.proof
        if proof:
            text = (
                f"create the DNS record {proof.name} TXT {proof.value} to prove that the domain is yours; then {text}"
            )
        body = ProjectDomain(
            domain=host, url=added.body.url, state=added.body.state, proof=proof, record=record, instructions=text
        )
        return Answer(status=added.status, body=body, queued=added.queued)

    @operation(NoQuery, OneDomain, RemovedProjectDomain, statuses=(200, 202), refusals=(409,))
    def remove_project_domain(self, call: Call[NoQuery, OneDomain]) -> Answer[RemovedProjectDomain]:
        """Remove a custom domain; the field `domain` says which one, if the project has several."""
        known = call.app.app.custom_domains
        if not call.body.domain and len(known) != 1:
            found = f"{call.app.app.name} has {', '.join(known)}" if known else f"{call.app.app.name} has no domain"
            msg = f"domain: {found}: give the one to remove"
            raise (Conflict if known else NotFound)(msg)
        removed = self.domains.remove_domain(call.carrying(NoBody(), host=call.body.domain or known[0]))
        return Answer(status=removed.status, body=RemovedProjectDomain(removed=removed.body.removed))

    def _check_source(self, record: AppRecord) -> None:
        if not record.app.git_url:
            msg = f"{record.app.name} has no repository: create one with POST /projects/{record.app.name}/repo"
            raise NotFound(msg)


def project_view(record: AppRecord, hosts: Hosts) -> ProjectView:
    """Return a project as answers show it."""
    app = record.app
    return ProjectView(
        id=app.id,
        name=app.name,
        git_repo_name=record.repository,
        git_clone_ssh=record.clone.ssh,
        git_clone_http=record.clone.http,
        branch=app.branch,
        domain=app.domain,
        custom_domain=app.custom_domains[0] if app.custom_domains else "",
        url=hosts.url(app.domain),
        deployment_image=record.image,
        deployment_status=record.deployment,
        deployment_replicas=record.replicas,
        created_at=record.created_at,
    )


def _repo_view(record: AppRecord) -> RepoView:
    url = record.app.git_url
    owner, _, name = (full_name_of(url) if url else "").rpartition("/")
    html = url.removesuffix(".git") if url.startswith("http") else ""
    return RepoView(
        owner=owner,
        name=name,
        full_name=f"{owner}/{name}" if owner else name,
        private=bool(record.repository),
        clone_ssh=record.clone.ssh,
        clone_http=record.clone.http,
        html_url=html,
    )
