resource "google_service_account" "agent" {
  account_id   = var.name
  display_name = "Redis Caching Layer Agent"
  depends_on   = [google_project_service.this]
}

resource "google_project_iam_member" "agent" {
  for_each = toset(concat(
    ["roles/logging.logWriter"],
    var.managed_prometheus ? ["roles/monitoring.metricWriter"] : [],
    var.store == "redis-cluster" ? ["roles/redis.dbConnectionUser"] : [],
    var.store == "valkey" ? ["roles/memorystore.dbConnectionUser"] : [],
  ))
  project = var.project
  role    = each.value
  member  = google_service_account.agent.member
}

# Builds, pushes and deploys; it runs nothing.
resource "google_service_account" "pipeline" {
  account_id   = "${var.name}-ci"
  display_name = "Redis Caching Layer Agent, pipeline"
  depends_on   = [google_project_service.this]
}

resource "google_project_iam_member" "pipeline" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.viewer", "roles/ondemandscanning.admin"])
  project  = var.project
  role     = each.value
  member   = google_service_account.pipeline.member
}

resource "google_artifact_registry_repository_iam_member" "pipeline" {
  repository = google_artifact_registry_repository.this.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.pipeline.member
}

resource "google_cloud_run_v2_service_iam_member" "pipeline" {
  for_each = toset(["roles/run.developer", "roles/run.invoker"])
  name     = google_cloud_run_v2_service.this.name
  location = var.region
  role     = each.value
  member   = google_service_account.pipeline.member
}

# To deploy a service one must be allowed to run as it.
resource "google_service_account_iam_member" "pipeline" {
  service_account_id = google_service_account.agent.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.pipeline.member
}

resource "google_secret_manager_secret" "smoke_key" {
  secret_id = "${var.name}-smoke-key"
  replication {
    auto {}
  }
  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_iam_member" "smoke_key" {
  secret_id = google_secret_manager_secret.smoke_key.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.pipeline.member
}
