# An environment that builds and rolls out by itself, in a project of its own: `terraform apply -var-file staging.tfvars`, with a state of its own
# (`terraform init -backend-config=bucket=STAGING-terraform`). project, alert_email and repository come from terraform.tfvars or -var.
environment       = "staging"
rollout           = "automatic"
minimum_instances = 1
maximum_instances = 2
redis_memory_gb   = 1
