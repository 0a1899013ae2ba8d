# Empty secrets: what is in them never passes through Terraform, so that it is in no state file. docs/deploy.md says how each is filled.
locals {
  secrets = merge(
    { redis-ca = "${var.name}-redis-ca", api-keys = "${var.name}-keys" },
    local.uses_password ? { redis-auth = "${var.name}-redis-auth" } : {},
    var.managed_prometheus ? { collector = "${var.name}-collector" } : {},
  )
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
  for_each  = google_secret_manager_secret.this
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.agent.member
}

# No secret: what the sidecar scrapes.
resource "google_secret_manager_secret_version" "collector" {
  count       = var.managed_prometheus ? 1 : 0
  secret      = google_secret_manager_secret.this["collector"].id
  secret_data = file("${path.module}/../cloudrun/collector.yaml")
}
