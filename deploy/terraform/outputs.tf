output "url" {
  description = "Where the service is: the value of self_url for the next apply."
  value       = one(google_cloud_run_v2_service.this[*].uri)
}

output "redis_host" {
  value = local.redis.host
}

output "service_account" {
  value = google_service_account.agent.email
}

output "build_account" {
  description = "For `gcloud builds submit --service-account`."
  value       = one(google_service_account.build[*].id)
}

output "deploy_account" {
  description = "For `gcloud builds submit --config deploy/pipeline/rollout.yaml --service-account`."
  value       = google_service_account.deploy.id
}

output "source_staging" {
  description = "For `gcloud builds submit --gcs-source-staging-dir`."
  value       = "gs://${google_storage_bucket.source.name}/source"
}

output "repository" {
  description = "Where images are pushed."
  value       = local.repository_path
}

output "secrets" {
  description = "To be filled, see docs/deploy.md."
  value       = local.secrets
}
