output "url" {
  description = "Where the service is: the value of self_url for the next apply."
  value       = one(google_cloud_run_v2_service.this[*].uri)
}

output "redis_host" {
  description = "Address of Redis; of a cluster its discovery endpoint."
  value       = local.redis.host
}

output "redis_nodes" {
  description = "How many nodes the store has, replicas included; null: it is not made here, or not made of nodes."
  value       = local.has_endpoints ? (local.is_cluster ? var.shards : 1) * (1 + var.replicas_per_shard) : null
}

output "redis_connections" {
  description = "The most connections that one node (a shard's first, or the only one) gets: of each instance one for each of 2 vCPU and one for control, and all instances twice while revisions change. docs/deploy.md has what a node takes."
  value       = 2 * var.maximum_instances * (2 + 1)
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
