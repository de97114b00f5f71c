-- What was removed from a cluster stays removed. Never edit this file once it was applied: add a new one.

create table workload_removals (
    app         text not null,
    environment text not null,
    through     integer not null,                          -- no release up to this number may run any more
    primary key (app, environment)
);
