"""Node apps, by the generators of their frameworks where these can be reached, else after the platforms' starters."""

import json
import shutil
from collections.abc import Callable

from tests.apps.app import App, Workshop, files

_HTTP = "require('http').createServer((q, s) => s.end(`hello ${process.version}`)).listen(process.env.PORT || 3000)\n"
_EXPRESS = (
    "const app = require('express')()\napp.get('/', (q, s) => s.send('hello'))\napp.listen(process.env.PORT || 3000)\n"
)
_TYPESCRIPT = (
    "import express from 'express'\nconst app = express()\napp.get('/', (q, s) => { s.send('hello') })\n"
    "app.listen(Number(process.env.PORT))\n"
)


def _package(**fields: object) -> str:
    return json.dumps({"name": "app", "version": "1.0.0", **fields})


def _vite(template: str, *, lock: bool = False) -> Callable[[Workshop], None]:
    def make(workshop: Workshop) -> None:
        workshop.run("npx", "--yes", "create-vite@latest", "made", "--template", template, "--no-interactive")
        workshop.generated("made")
        if lock:
            workshop.run("npm", "install", "--package-lock-only")

    return make


def _generated(*command: str, name: str = "made", lock: bool = False) -> Callable[[Workshop], None]:
    def make(workshop: Workshop) -> None:
        workshop.run(*command)
        workshop.generated(name)
        if lock:
            workshop.run("npm", "install", "--package-lock-only")

    return make


def _next_export(workshop: Workshop) -> None:
    _NEXT(workshop)
    workshop.write({"next.config.ts": "export default { output: 'export' }\n"})
    workshop.edit("package.json", '"start": "next start"', '"lint2": "true"')


_NEXT = _generated(
    "npx", "--yes", "create-next-app@latest", "made", "--yes", "--empty", "--skip-install", "--disable-git"
)


_SVELTE = {
    "package.json": _package(
        private=True,
        type="module",
        scripts={"build": "vite build"},
        devDependencies={
            "@sveltejs/adapter-node": "^5.0.0",
            "@sveltejs/kit": "^2.0.0",
            "@sveltejs/vite-plugin-svelte": "^6.0.0",
            "svelte": "^5.0.0",
            "vite": "^7.0.0",
        },
    ),
    "svelte.config.js": "import adapter from '@sveltejs/adapter-node'\nexport default { kit: { adapter: adapter() }}\n",
    "vite.config.js": "import { sveltekit } from '@sveltejs/kit/vite'\nexport default { plugins: [sveltekit()] }\n",
    "src/app.html": "<!doctype html><html><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>",
    "src/routes/+page.svelte": "<h1>hello</h1>\n",
}
_ASTRO = {
    "package.json": _package(type="module", scripts={"build": "astro build"}, dependencies={"astro": "^5.0.0"}),
    "src/pages/index.astro": "<html><body><h1>hello</h1></body></html>\n",
    "src/pages/about.astro": "<html><body><h1>about</h1></body></html>\n",
}


def _managed(manager: str, *lock: str, **fields: object) -> Callable[[Workshop], None]:
    """Return what makes an Express app of a package manager, with its lock file."""

    def make(workshop: Workshop) -> None:
        package = _package(scripts={"start": "node server.js"}, dependencies={"express": "^4.21.0"}, **fields)
        workshop.write({"package.json": package, "server.js": _EXPRESS})
        if lock:
            run = ("npm",) if manager == "npm" else ("npx", "--yes", manager)
            workshop.run(*run, *lock)
            shutil.rmtree(workshop.folder / "node_modules", ignore_errors=True)

    return make


def _pnpm_workspace(workshop: Workshop) -> None:
    workshop.write(
        {
            "pnpm-workspace.yaml": "packages:\n  - 'apps/*'\n  - 'libs/*'\n",
            "package.json": _package(private=True, scripts={"build": "pnpm -r build"}),
            "libs/greet/package.json": json.dumps({"name": "@x/greet", "version": "1.0.0", "main": "index.js"}),
            "libs/greet/index.js": "module.exports = 'hello'\n",
            "apps/web/package.json": json.dumps(
                {
                    "name": "web",
                    "version": "1.0.0",
                    "scripts": {"start": "node server.js", "build": "node -e 1"},
                    "dependencies": {"@x/greet": "workspace:*", "express": "^4.21.0"},
                }
            ),
            "apps/web/server.js": _EXPRESS.replace("'hello'", "require('@x/greet')"),
            "Procfile": "web: cd apps/web && npm start\n",
        }
    )
    workshop.run("npx", "--yes", "pnpm@10", "install", "--lockfile-only")


def _yarn_workspace(workshop: Workshop) -> None:
    workshop.write(
        {
            "package.json": _package(private=True, workspaces=["packages/*"], scripts={"start": "node packages/web"}),
            "packages/greet/package.json": json.dumps({"name": "greet", "version": "1.0.0", "main": "index.js"}),
            "packages/greet/index.js": "module.exports = 'hello'\n",
            "packages/web/package.json": json.dumps(
                {"name": "web", "version": "1.0.0", "dependencies": {"greet": "1.0.0", "express": "^4.21.0"}}
            ),
            "packages/web/index.js": _EXPRESS.replace("'hello'", "require('greet')"),
        }
    )
    workshop.run("npx", "--yes", "yarn@1.22.22", "install", "--ignore-scripts", "--no-bin-links")
    shutil.rmtree(workshop.folder / "node_modules")


def _yarn_berry(linker: str) -> Callable[[Workshop], None]:
    def make(workshop: Workshop) -> None:
        package = _package(scripts={"start": "node server.js"}, dependencies={"express": "^4.21.0"})
        workshop.write({"package.json": package, "server.js": _EXPRESS, "yarn.lock": ""})
        workshop.write({".yarnrc.yml": f"nodeLinker: {linker}\nenableGlobalCache: true\n"})
        workshop.run("npx", "--yes", "@yarnpkg/cli-dist@4", "install", "--mode=update-lockfile")

    return make


_SOCKET = """const express = require('express'), { WebSocketServer } = require('ws')
const app = express()
app.get('/', (q, s) => s.send('hello'))
const server = app.listen(process.env.PORT)
const sockets = new WebSocketServer({ server, path: '/ws' })
sockets.on('connection', one => one.on('message', text => one.send('hello ' + text)))
"""

# The generators of these fetch their templates from a forge, or look for one.
_NUXT = {
    "package.json": _package(
        private=True, type="module", scripts={"build": "nuxt build", "dev": "nuxt dev"}, dependencies={"nuxt": "^4.0.0"}
    ),
    "nuxt.config.ts": "export default defineNuxtConfig({ compatibilityDate: '2025-07-15' })\n",
    "app.vue": "<template><h1>hello</h1></template>\n",
}
_REACT_ROUTER = {
    "package.json": _package(
        private=True,
        type="module",
        scripts={"build": "react-router build", "start": "react-router-serve ./build/server/index.js"},
        dependencies={
            "@react-router/node": "7.9.4",
            "@react-router/serve": "7.9.4",
            "react-router": "7.9.4",
            "react": "^19.1.0",
            "react-dom": "^19.1.0",
            "isbot": "^5.1.0",
        },
        devDependencies={"@react-router/dev": "7.9.4", "vite": "^7.1.0", "typescript": "^5.9.0"},
    ),
    "vite.config.ts": "import { reactRouter } from '@react-router/dev/vite'\nimport { defineConfig } from 'vite'\n"
    "export default defineConfig({ plugins: [reactRouter()] })\n",
    "react-router.config.ts": "export default { ssr: true }\n",
    "app/routes.ts": "import { type RouteConfig, index } from '@react-router/dev/routes'\n"
    "export default [index('home.tsx')] satisfies RouteConfig\n",
    "app/home.tsx": "export default function Home() { return <h1>hello</h1> }\n",
    "app/root.tsx": "import { Outlet, Scripts } from 'react-router'\n"
    "export default function App() { return <html><body><Outlet /><Scripts /></body></html> }\n",
}

APPS = (
    App(name="node-http", make=files({"package.json": _package(scripts={"start": "node ."}), "index.js": _HTTP})),
    App(name="node-server-js", make=files({"package.json": _package(), "server.js": _HTTP})),
    App(name="node-main", make=files({"package.json": _package(main="lib/run.js"), "lib/run.js": _HTTP})),
    App(name="express-npm-lock", make=_managed("npm", "install", "--package-lock-only")),
    App(name="express-no-lock", make=_managed("npm")),
    App(
        name="express-heroku",
        make=files(
            {
                "package.json": _package(
                    engines={"node": "20.x || 22.x || 24.x"},
                    scripts={"start": "node index.js", "heroku-postbuild": "echo hello > made"},
                    dependencies={"express": "^4.21.0", "ejs": "^3.1.5"},
                ),
                "index.js": _EXPRESS.replace("'hello'", "require('fs').readFileSync('made', 'utf-8')"),
                "Procfile": "web: npm start\n",
            }
        ),
    ),
    App(
        name="express-generator",
        make=_generated("npx", "--yes", "express-generator@latest", "--view=pug", "made"),
        says="Welcome to Express",
    ),
    App(
        name="express-typescript",
        make=files(
            {
                "package.json": _package(
                    scripts={"build": "tsc", "start": "node dist/server.js"},
                    dependencies={"express": "^4.21.0"},
                    devDependencies={"typescript": "^5.6.0", "@types/express": "^4.17.0", "@types/node": "^22"},
                ),
                "tsconfig.json": '{"compilerOptions": {"outDir": "dist", "module": "commonjs", "rootDir": "src", '
                '"esModuleInterop": true, "skipLibCheck": true}, "include": ["src"]}',
                "src/server.ts": _TYPESCRIPT,
            }
        ),
    ),
    App(name="fastify-cli", make=_generated("npx", "--yes", "fastify-cli@latest", "generate", "made"), says="root"),
    App(
        name="hono",
        make=files(
            {
                "package.json": _package(
                    type="module",
                    scripts={"start": "node index.mjs"},
                    dependencies={"hono": "^4", "@hono/node-server": "^1"},
                ),
                "index.mjs": "import { serve } from '@hono/node-server'\nimport { Hono } from 'hono'\n"
                "const app = new Hono()\n"
                "app.get('/', c => c.text('hello'))\nserve({ fetch: app.fetch, port: Number(process.env.PORT) })\n",
            }
        ),
    ),
    App(
        name="koa",
        make=files(
            {
                "package.json": _package(scripts={"start": "node ."}, dependencies={"koa": "^2.15.0"}),
                "index.js": "const Koa = require('koa')\nconst app = new Koa()\napp.use(c => { c.body = 'hello' })\n"
                "app.listen(process.env.PORT)\n",
            }
        ),
    ),
    App(
        name="nest",
        make=_generated(
            "npx",
            "--yes",
            "@nestjs/cli@latest",
            "new",
            "made",
            "--skip-install",
            "--skip-git",
            "--package-manager",
            "npm",
        ),
        says="Hello World!",
    ),
    App(name="next", make=_NEXT, says="<html"),
    App(name="next-export", make=_next_export, says="<html"),
    App(name="nuxt", make=files(_NUXT), says="hello"),
    App(name="sveltekit-node", make=files(_SVELTE)),
    App(name="astro", make=files(_ASTRO)),
    App(name="react-router", make=files(_REACT_ROUTER), says="hello"),
    App(name="vite-react", make=_vite("react", lock=True), says='<div id="root">', path="/any/route"),
    App(name="vite-vue", make=_vite("vue"), says='<div id="app">'),
    App(name="vite-svelte", make=_vite("svelte-ts"), says='<div id="app">'),
    App(name="vite-vanilla", make=_vite("vanilla"), says="<html"),
    App(name="vite-solid", make=_vite("solid"), says='<div id="root">'),
    App(name="vite-preact", make=_vite("preact-ts"), says='<div id="app">'),
    App(
        name="angular",
        make=_generated(
            "npx", "--yes", "@angular/cli@latest", "new", "made", "--skip-install", "--skip-git", "--defaults"
        ),
        says="<app-root",
    ),
    App(
        name="eleventy",
        make=files(
            {
                "package.json": _package(scripts={"build": "eleventy"}, devDependencies={"@11ty/eleventy": "^3.0.0"}),
                "index.md": "# hello\n",
            }
        ),
    ),
    App(
        name="vitepress",
        make=files(
            {
                "package.json": _package(
                    scripts={"build": "vitepress build docs"}, devDependencies={"vitepress": "^1.5.0"}
                ),
                "docs/index.md": "# hello\n",
            }
        ),
    ),
    App(
        name="docusaurus",
        make=_generated(
            "npx",
            "--yes",
            "create-docusaurus@latest",
            "made",
            "classic",
            "--skip-install",
            "--javascript",
            "--package-manager",
            "npm",
        ),
        says="<html",
    ),
    App(name="pnpm-9", make=_managed("pnpm@9.15.0", "install", "--lockfile-only", packageManager="pnpm@9.15.0")),
    App(name="pnpm-by-lock", make=_managed("pnpm@8.15.9", "install", "--lockfile-only")),
    App(name="pnpm-workspace", make=_pnpm_workspace),
    App(name="root-pnpm", make=_pnpm_workspace, root="apps/web"),
    App(
        name="yarn-classic",
        make=_managed("yarn@1.22.22", "install", packageManager="yarn@1.22.22"),
    ),
    App(name="yarn-workspace", make=_yarn_workspace),
    App(name="yarn-berry-modules", make=_yarn_berry("node-modules")),
    App(name="yarn-berry-pnp", make=_yarn_berry("pnp")),
    App(name="bun", make=_managed("bun@1.1.38", "install", packageManager="bun@1.1.38")),
    App(
        name="node-20",
        make=files(
            {"package.json": _package(engines={"node": "20.x"}, scripts={"start": "node ."}), "index.js": _HTTP}
        ),
        says="hello v20.",
    ),
    App(
        name="node-nvmrc",
        make=files({"package.json": _package(scripts={"start": "node ."}), "index.js": _HTTP, ".nvmrc": "v22.14.0\n"}),
        says="hello v22.14.0",
    ),
    App(
        name="node-of-the-future",
        make=files({"package.json": _package(engines={"node": "99.x"}), "server.js": _HTTP}),
        refused="`engines.node` of package.json asks for Node.js 99.x",
    ),
    App(
        name="odd-package-json",
        make=files({"package.json": '\ufeff{"scripts": ["start"], "dependencies": [], "main": 3}', "server.js": _HTTP}),
    ),
    App(
        name="deep-package-json",
        make=files({"package.json": '{"a":' * 3000 + "1" + "}" * 3000}),
        refused="package.json cannot be read: it is nested too deeply",
    ),
    App(
        name="websocket-node",
        make=files(
            {
                "package.json": _package(
                    scripts={"start": "node ."}, dependencies={"express": "^4.21.0", "ws": "^8.18.0"}
                ),
                "index.js": _SOCKET,
            }
        ),
        websocket="/ws",
    ),
    App(
        name="build-in-the-background",
        make=files(
            {
                "package.json": _package(scripts={"build": "sleep 75 & echo built", "start": "node ."}),
                "index.js": _HTTP,
            }
        ),
    ),
    App(
        name="no-start",
        make=files({"package.json": _package(scripts={"test": "true"}), "README.md": "x"}),
        refused="package.json has no `start` script",
    ),
)
