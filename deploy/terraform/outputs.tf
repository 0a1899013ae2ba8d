output "url" {
  description = "Where the service is: the value of self_url for the next apply."
  value       = google_cloud_run_v2_service.this.uri
}

output "redis_host" {
  value = local.redis_host
}

output "service_account" {
  value = google_service_account.agent.email
}

output "repository" {
  description = "Where images are pushed."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.this.repository_id}"
}

output "secrets" {
  description = "To be filled, see docs/deploy.md."
  value       = merge(local.secrets, { smoke-key = google_secret_manager_secret.smoke_key.secret_id })
}
