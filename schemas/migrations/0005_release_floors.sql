-- Release numbers of an app that is deleted and made again go on. Never edit this file once it was applied: add a new one.

create table release_floors (
    app         text not null,
    environment text not null,
    number      integer not null,                          -- the newest release of deleted apps of this name
    primary key (app, environment)
);
