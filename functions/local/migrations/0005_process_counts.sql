-- Processes beside web run only when they are scaled: those that run get the number that they have.
-- Never edit this file once it was applied: add a new one.

create function platform.with_counts(workload jsonb) returns jsonb language sql immutable as $$
    select jsonb_set(workload, '{replicas}', coalesce(
        (select jsonb_object_agg(one.process, 1) from jsonb_object_keys(workload -> 'processes') as one (process)
         where one.process not in ('web', 'release')), '{}') || coalesce(workload -> 'replicas', '{}'))
$$;
update platform.workloads set wanted = platform.with_counts(wanted) where wanted is not null;
update platform.versions set workload = platform.with_counts(workload) where stage not in ('failed', 'stopped');
drop function platform.with_counts(jsonb);
