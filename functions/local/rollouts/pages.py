"""What the ingress itself says, as plain text."""

NO_APP = (
    "404: no app answers at this host.\n\n"
    "Apps answer at https://NAME.localhost:PORT/. `paas apps list` shows which there are;\n"
    "`paas apps create NAME` makes one, and a git push to it puts it here.\n"
)
NOT_LIVE = (
    "503: this app has no running version yet.\n\n"
    "Push to its repository, or see how the first release is doing: `paas releases APP`, `paas logs APP`.\n"
)
NO_ANSWER = (
    "{http.error.status_code}: the app did not answer.\n\n"
    "Its process may have crashed or be starting again; `paas logs APP` shows what it said.\n"
)
GATEWAY = (
    "404: nothing is here.\n\n"
    "Webhooks go to /v1/webhooks/ and the forge's name: forgejo, gitea, github, gitlab.\n"
    "The API is below /v1 and /api/v1.\n"
)
