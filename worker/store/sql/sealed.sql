-- name: sealed_configs
-- Returns jobs whose config holds a sealed value, in the order of their ids.
select id, name, config from discovery_jobs
where id > %(after)s and strpos(config::text, %(mark)s) > 0
order by id limit %(limit)s

-- name: sealed_tests
-- Returns connectivity tests whose config holds a sealed value.
select id, config from elder_worker.tests where strpos(config::text, %(mark)s) > 0

-- name: config_of_job
-- Locks and returns the config of a job.
select config from discovery_jobs where id = %s for update

-- name: set_config_of_job
-- Stores the config of a job. It is not a change of the job: neither its schedule nor updated_at moves.
update discovery_jobs set config = %s where id = %s

-- name: config_of_test
-- Locks and returns the config of a connectivity test.
select config from elder_worker.tests where id = %s for update

-- name: set_config_of_test
-- Stores the config of a connectivity test.
update elder_worker.tests set config = %s where id = %s

-- name: sealed_webhooks
-- Returns webhooks with the sealed secrets that their deliveries are signed with.
select id, name, secrets from elder_worker.webhooks order by id

-- name: secrets_of_webhook
-- Locks and returns the secrets of a webhook.
select secrets from elder_worker.webhooks where id = %s for update

-- name: set_secrets_of_webhook
-- Stores the secrets of a webhook.
update elder_worker.webhooks set secrets = %s where id = %s
