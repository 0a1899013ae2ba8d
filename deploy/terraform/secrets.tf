# Empty secrets, filled by hand: docs/deploy.md says how. API keys so are in no state file. Redis's password is nevertheless, as a computed attribute of
# google_redis_instance: the state's bucket is as secret as it (backend.tf), or a cluster or Valkey have no password at all.
locals {
  secrets = merge(
    { smoke-key = "${var.name}-smoke-key" },
    var.api_keys ? { api-keys = "${var.name}-keys" } : {},
    local.redis.tls ? { redis-ca = "${var.name}-redis-ca" } : {},
    local.redis.password ? { redis-auth = "${var.name}-redis-auth" } : {},
    var.managed_prometheus ? { collector = "${var.name}-collector" } : {},
  )
  # The service's own; the other is the pipeline's.
  agent_secrets = toset([for name in keys(local.secrets) : name if name != "smoke-key"])
}

resource "google_secret_manager_secret" "this" {
  for_each  = local.secrets
  secret_id = each.value
  replication {
    auto {}
  }
  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_iam_member" "agent" {
  for_each  = local.agent_secrets
  secret_id = google_secret_manager_secret.this[each.value].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.agent.member
}

# No secret: what the sidecar scrapes.
resource "google_secret_manager_secret_version" "collector" {
  count       = var.managed_prometheus ? 1 : 0
  secret      = google_secret_manager_secret.this["collector"].id
  secret_data = file("${path.module}/../cloudrun/collector.yaml")
}
