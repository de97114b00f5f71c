-- Custom domains that wait for a proof. Never edit this file once it was applied: add a new one.

-- Domains that exist were added before proofs were asked for, and stay.
create table domain_claims (
    app text not null references projects (name) on delete cascade,
    host text not null,
    value text not null, -- the TXT record that proves it; public once it is in the DNS
    reason text not null default '', -- why the last look at the DNS proved nothing
    created_at timestamptz not null default now(),
    checked_at timestamptz not null default now(),
    primary key (app, host)
);
create index domain_claims_checked on domain_claims (checked_at);
