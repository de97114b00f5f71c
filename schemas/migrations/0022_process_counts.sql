-- Processes beside web run only when they are scaled: those that run get the number that they have.
-- Never edit this file once it was applied: add a new one.

insert into process_scales (app, environment, process, replicas)
select r.app, r.environment, one.process, 1
from releases r
join projects p on p.name = r.app
cross join lateral jsonb_object_keys(r.processes) as one (process)
where r.state in ('started', 'live') and one.process not in ('web', 'release')
on conflict do nothing;
