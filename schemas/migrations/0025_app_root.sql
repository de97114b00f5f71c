-- The folder of an app in its repository. Never edit this file once it was applied: add a new one.

alter table projects add column root text not null default '';   -- empty: the top; as domain.app.checked_root gives it
alter table builds add column root text not null default '';     -- what was built
