-- The repository of an app whatever it is called: its host, and the id that its forge gave it (git_url.identity_of).

alter table projects add column forge_id text not null default '';
create index projects_forge_id on projects (forge_id) where forge_id <> '';
