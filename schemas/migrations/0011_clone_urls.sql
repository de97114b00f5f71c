-- Clone URLs of apps that were created before they were recorded. Never edit this file once it was applied: add a new one.

update projects set git_clone_http = git_url where git_url like 'http%';
update projects set git_clone_http = '', git_clone_ssh = git_url where git_url like 'ssh:%' or git_url not like '%://%';
