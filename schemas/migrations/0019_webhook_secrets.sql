-- The webhook secret of each app. While no app of a repository has one, the secret of its forge is accepted for it.

create table webhook_secrets (
    app     text primary key references projects (name) on delete cascade,
    secret  text not null check (secret <> ''),
    set_at  timestamptz not null default now()
);
