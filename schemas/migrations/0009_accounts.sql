-- Users, their tokens, SSH keys and apps. Never edit this file once it was applied: add a new one.

create table users (
    id            uuid primary key default gen_random_uuid(),
    email         text not null unique check (email = lower(email)),
    password      text not null,                           -- argon2id, as a PHC string
    administrator boolean not null default false,
    created_at    timestamptz not null default now()
);

create table invitations (
    digest        text primary key,                        -- SHA-256 of the token, hex
    email         text not null unique check (email = lower(email)),
    administrator boolean not null default false,
    invited_by    text not null,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null
);

create table login_attempts (
    subject  text primary key,                             -- SHA-256 of an email or an address, hex
    failures integer not null,                             -- counted before the password is checked, taken back after
    last_at  timestamptz not null default now()
);

alter table api_tokens rename column role to scope;
alter table api_tokens drop constraint api_tokens_role_check;
update api_tokens set scope = case scope when 'viewer' then 'read' when 'deployer' then 'deploy' else scope end;
alter table api_tokens
    add constraint api_tokens_scope check (scope in ('read', 'deploy', 'admin')),
    add column id         uuid not null default gen_random_uuid() unique,
    add column user_id    uuid references users (id) on delete cascade,            -- null: a token of the platform
    add column app        text references projects (name) on delete cascade,       -- null: every app of its user
    add column kind       text not null default 'access' check (kind in ('access', 'session')),
    add column expires_at timestamptz;                                             -- null: never
drop index api_tokens_name;
create unique index api_tokens_name on api_tokens (coalesce(user_id::text, ''), name)
    where revoked_at is null and kind = 'access';
create index api_tokens_user on api_tokens (user_id) where revoked_at is null;

create table app_members (
    app      text not null references projects (name) on delete cascade,
    user_id  uuid not null references users (id) on delete cascade,
    role     text not null check (role in ('viewer', 'deployer', 'owner')),
    added_at timestamptz not null default now(),
    primary key (app, user_id)
);
create index app_members_user on app_members (user_id);

create table ssh_keys (
    id          uuid primary key default gen_random_uuid(),
    user_id     uuid not null references users (id) on delete cascade,
    name        text not null,
    public_key  text not null,                             -- type and base64, without the comment
    fingerprint text not null unique,                      -- as `ssh-keygen -lf` prints it
    added_at    timestamptz not null default now(),
    unique (user_id, name)
);
