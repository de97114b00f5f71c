-- The folder of an app in its repository. Never edit this file once it was applied: add a new one.

alter table platform.builds add column root text not null default '';
