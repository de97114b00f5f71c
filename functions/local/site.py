"""The Caddyfile of a static app: `caddy run --adapter caddyfile --config "$SLIPWAY_SITE"` serves its files.

`SLIPWAY_SITE_ROOT` is the folder that is served, below the app's own: `.` when it is not set. `SLIPWAY_SITE_FALLBACK`
is the page of a single-page app, such as `/index.html`, that answers at paths of no file; empty for none.

- No file whose name begins with a dot is served, except those of /.well-known, and not the Procfile.
- `/about` is `about.html` where that exists, `/docs/` is `docs/index.html`; `404.html` answers where nothing is.
- Files whose names hold a hash of their content are kept by browsers for a year; all others are asked for each time.
- A file that is there compressed, as `NAME.zst`, `NAME.br` or `NAME.gz`, is sent as it is; others are compressed.
"""

SITE = "site.Caddyfile"
# A script or style sheet that is missing is 404 instead of the fallback, which is no script. Names by content are those
# in a bundler's own folders, `name.3f9ac01b.js`, and Vite's `/assets/name-D4x_9fQz.js`.
SITE_CADDYFILE = r"""{
	admin off
	auto_https off
	persist_config off
	log {
		level WARN
	}
}
:{$PORT} {
	bind 127.0.0.1
	root * "{$SLIPWAY_SITE_ROOT:.}"
	encode zstd gzip

	@dotfile {
		path */.*
		not path /.well-known /.well-known/*
	}
	@below path_regexp ^/\.well-known/(.*/)?\.
	@page {
		not path */
		not file {path}
		file {path}.html
	}
	@fallback {
		not vars {env.SLIPWAY_SITE_FALLBACK} ""
		not file {path} {path}/
		not path_regexp (?i)\.(js|mjs|css|map|json|wasm|xml|txt|ico|png|jpe?g|gif|svg|webp|avif|woff2?|ttf|mp4|pdf)$
		method GET HEAD
	}
	@hashed expression `path('/_next/static/*', '/_astro/*', '/_app/immutable/*')
		|| (path('/_nuxt/*') && !path('*.json'))
		|| (path_regexp('[.-][0-9a-f]{8,64}(\\.[a-z]+)?\\.[a-z0-9]+$')
			&& path_regexp('[.-][0-9a-f]*[0-9][0-9a-f]*(\\.[a-z]+)?\\.[a-z0-9]+$')
			&& path_regexp('[.-][0-9a-f]*[a-f][0-9a-f]*(\\.[a-z]+)?\\.[a-z0-9]+$'))
		|| (path_regexp('/assets/([^/]*/)*[^/]*[.-][A-Za-z0-9_-]{8}\\.[a-z0-9]+$')
			&& path_regexp('[.-][A-Za-z0-9_-]{0,7}[A-Z][A-Za-z0-9_-]{0,7}\\.[a-z0-9]+$')
			&& path_regexp('[.-][A-Za-z0-9_-]{0,7}[a-z0-9][A-Za-z0-9_-]{0,7}\\.[a-z0-9]+$'))`

	route {
		error @dotfile 404
		error @below 404
		error /Procfile 404
		header Cache-Control no-cache
		@kept {
			file
			expression `!path('*.html', '*/')`
		}
		handle @kept {
			header @hashed Cache-Control "public, max-age=31536000, immutable"
		}
		rewrite @page {path}.html
		rewrite @fallback {env.SLIPWAY_SITE_FALLBACK}
		file_server {
			precompressed zstd br gzip
		}
	}
	handle_errors 404 {
		@own file /404.html
		handle @own {
			rewrite /404.html
			header Cache-Control no-cache
			file_server {
				status 404
			}
		}
	}
}
"""
