-- Builds see the app's config. Never edit this file once it was applied: add a new one.

alter table platform.builds add column config text not null default '';  -- a digest of what the build saw, encrypted
