-- The app of a repository that Slipway created. Never edit this file once it was applied: add a new one.

create unique index projects_git_repo_name on projects (git_repo_name) where git_repo_name <> '';
