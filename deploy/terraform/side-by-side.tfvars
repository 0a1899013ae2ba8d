# Beside the FastAPI service, on its Redis and through its connector: `terraform apply -var-file side-by-side.tfvars`. docs/migration.md has the steps.
# The name is another one, for the old service has the first. It does not register with the platform, where the old one is under the same name.
name               = "redis-caching-agent-next"
region             = "us-central1"
store              = "existing"
egress             = "connector"
existing_connector = "redis-connector"
# As the old service has them: REDIS_HOST, REDIS_PORT, database; password = true if it has REDIS_PASSWORD, tls = true for in-transit encryption (port 6378).
existing_redis = { host = "10.0.0.3", port = 6379, database = 0, tls = false, password = false }
# The old service asks for no keys.
api_keys = false
