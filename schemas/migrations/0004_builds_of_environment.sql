-- Starting a build looks at its environment alone, however many builds there were.
-- Never edit this file once it was applied: add a new one.

create index builds_running_environment on builds (app, environment) where state = 'running';
create index builds_commit on builds (app, environment, sha);
