"""What needs a person: pushes and releases that failed, pushes that hang, dead letters, certificates, DNS, sandbox."""

from dataclasses import dataclass

from functions.common.ports.attention import Attention, ConcernKind
from functions.manage_apps.models import MAX_LIMIT, Moment, NoBody, NoQuery, PageView, View
from functions.manage_apps.operation import Answer, Call, operation


class ConcernView(View):
    """One thing that needs a person: `subject` is a push's id, the number of a release or dead letter, or a host."""

    kind: ConcernKind
    app: str
    environment: str
    subject: str
    sha: str
    reason: str
    since: Moment


class Concerns(PageView):
    """The newest first; 200 at most."""

    items: tuple[ConcernView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionHandlers:
    """The handlers of what needs a person."""

    attention: Attention

    @operation(NoQuery, NoBody, Concerns)
    def list_attention(self, call: Call[NoQuery, NoBody]) -> Answer[Concerns]:
        """List what needs a person, of the apps that the caller may see. What has passed is not listed any more."""
        found = self.attention.concerns(limit=MAX_LIMIT, visible=call.access.visibility)
        return Answer(body=Concerns(items=tuple(ConcernView.of(one) for one in found), next=None))
