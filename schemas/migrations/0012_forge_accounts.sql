-- What of users' SSH keys and roles is at the forge. Never edit this file once it was applied: add a new one.

create table forge_accounts (
    email      text primary key,
    username   text not null default '',                   -- at the forge
    changed_at timestamptz not null default clock_timestamp(),   -- the newest change of keys or roles
    synced_at  timestamptz,                                -- the change that the forge has
    tried_at   timestamptz,
    error      text not null default ''                    -- what the forge refused at the last try
);
create index forge_accounts_due on forge_accounts (tried_at) where synced_at is distinct from changed_at or error <> '';

create table forge_roles (                                 -- given at the forge, or about to be
    email      text not null references forge_accounts (email) on delete cascade,
    repository text not null,
    primary key (email, repository)
);

create function note_forge_account() returns trigger language plpgsql as $$
begin
    insert into forge_accounts (email) select email from users where id = coalesce(new.user_id, old.user_id)
    on conflict (email) do update set changed_at = clock_timestamp();
    return null;
end $$;
create trigger ssh_keys_forge after insert or delete on ssh_keys
    for each row execute function note_forge_account();
create trigger app_members_forge after insert or update or delete on app_members
    for each row execute function note_forge_account();

create function note_forge_members() returns trigger language plpgsql as $$
begin
    insert into forge_accounts (email)
    select u.email from app_members as m join users as u on u.id = m.user_id where m.app = new.name
    on conflict (email) do update set changed_at = clock_timestamp();
    return null;
end $$;
create trigger projects_forge after update of git_repo_name on projects
    for each row when (old.git_repo_name is distinct from new.git_repo_name) execute function note_forge_members();

create function note_removed_user() returns trigger language plpgsql as $$
begin
    insert into forge_accounts (email) values (old.email)
    on conflict (email) do update set changed_at = clock_timestamp();
    return old;
end $$;
create trigger users_forge before delete on users for each row execute function note_removed_user();

insert into forge_accounts (email) select email from users on conflict do nothing;
