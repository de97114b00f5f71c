-- What must not run (again). Never edit this file once it was applied: add a new one.

create table platform.removals (
    app         text not null,
    environment text not null,
    through     integer not null,                          -- no release up to this number runs any more
    primary key (app, environment)
);
