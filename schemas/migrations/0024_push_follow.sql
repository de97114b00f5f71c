-- Whether `git push` prints the build and the release of an app, where the git server is Slipway's.

alter table projects add column push_follow boolean not null default true;
