"""Sites, and repositories that are no app of one machine."""

from tests.apps.app import App, Workshop, files

_PAGE = "<!doctype html><title>x</title><h1>hello</h1>"


def _broken_link(workshop: Workshop) -> None:
    workshop.write({"index.html": _PAGE})
    (workshop.folder / "passwd").symlink_to("/etc/passwd")


APPS = (
    App(name="site-plain", make=files({"index.html": _PAGE, "css/a.css": "a{}"})),
    App(name="site-public", make=files({"public/index.html": _PAGE, "README.md": "x"})),
    App(
        name="site-staticfile",
        make=files({"Staticfile": "root: web\npushstate: enabled\n", "web/index.html": _PAGE}),
        path="/some/route",
    ),
    App(
        name="site-not-found",
        make=files({"index.html": "x", "404.html": "<h1>hello, nothing here</h1>"}),
        path="/none",
        status=404,
    ),
    App(name="site-redirects", make=files({"index.html": _PAGE, "_redirects": "/* /index.html 200\n"}), path="/a/b"),
    App(name="site-json", make=files({"static.json": '{"root": "out/"}', "out/index.html": _PAGE})),
    App(name="site-link", make=_broken_link, refused="passwd is a link that leaves the repository"),
    App(
        name="dockerfile-only", make=files({"Dockerfile": "FROM scratch\n"}), refused="this app has a Dockerfile alone"
    ),
    App(name="go", make=files({"go.mod": "module x\n", "main.go": "package main\n"}), refused="this is Go (go.mod)"),
    App(name="nothing", make=files({"README.md": "x"}), refused="no language detected"),
    App(
        name="monorepo-hint",
        make=files({"api/requirements.txt": "", "web/package.json": "{}"}),
        refused="the folders api, web look like apps",
    ),
)
