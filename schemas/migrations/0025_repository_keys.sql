-- Keys of repositories are in lower case: forges take names in any case. Two apps may have the same key from now on.

update projects set git_key = lower(git_key) where git_key <> lower(git_key);
update pushes set repository = lower(repository) where repository <> lower(repository);

insert into forge_repositories (repository, looked_at, read_at)
select lower(repository), max(looked_at), max(read_at) from forge_repositories
where repository <> lower(repository) group by lower(repository)
on conflict (repository) do nothing;

-- Of a branch that was read under several spellings, what is known under the key stays, else the newest.
insert into forge_heads (repository, branch, sha, since, settled)
select distinct on (lower(repository), branch) lower(repository), branch, sha, since, settled from forge_heads
where repository <> lower(repository) order by lower(repository), branch, since desc
on conflict (repository, branch) do nothing;

delete from forge_repositories where repository <> lower(repository);
