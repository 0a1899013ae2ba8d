# Takes the very image that staging built, after someone agreed: `terraform apply -var-file production.tfvars`, with a state of its own.
# image_source = { project = "STAGING", repository = "redis-caching-agent" } comes from terraform.tfvars or -var, with project, alert_email and repository.
environment          = "production"
rollout              = "approval"
binary_authorization = true
minimum_instances    = 1
maximum_instances    = 10
redis_memory_gb      = 5
