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
    local.is_valkey ? ["roles/memorystore.dbConnectionUser"] : [],
  ))
  project = var.project
  role    = each.value
  member  = google_service_account.agent.member
}

# Checks what a pull request brings, which may be anything: it reads the registry, for the image with the tools, and writes its log.
resource "google_service_account" "check" {
  count        = var.image_source == null ? 1 : 0
  account_id   = "${var.name}-check"
  display_name = "Redis Caching Layer Agent, checks of pull requests"
  depends_on   = [google_project_service.this]
}

resource "google_project_iam_member" "check" {
  for_each = toset(var.image_source == null ? ["roles/logging.logWriter"] : [])
  project  = var.project
  role     = each.value
  member   = google_service_account.check[0].member
}

resource "google_artifact_registry_repository_iam_member" "check" {
  count      = var.image_source == null ? 1 : 0
  repository = google_artifact_registry_repository.this[0].name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.check[0].member
}

# Builds and pushes, and nothing else.
resource "google_service_account" "build" {
  count        = var.image_source == null ? 1 : 0
  account_id   = "${var.name}-build"
  display_name = "Redis Caching Layer Agent, builds"
  depends_on   = [google_project_service.this]
}

resource "google_project_iam_member" "build" {
  for_each = toset(var.image_source == null ? ["roles/logging.logWriter"] : [])
  project  = var.project
  role     = each.value
  member   = google_service_account.build[0].member
}

resource "google_artifact_registry_repository_iam_member" "build" {
  count      = var.image_source == null ? 1 : 0
  repository = google_artifact_registry_repository.this[0].name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build[0].member
}

# Scans, deploys and shifts the traffic. It builds nothing.
resource "google_service_account" "deploy" {
  account_id   = "${var.name}-ci"
  display_name = "Redis Caching Layer Agent, rollouts"
  depends_on   = [google_project_service.this]
}

resource "google_project_iam_member" "deploy" {
  for_each = toset([
    "roles/logging.logWriter",
    # To compare the revisions, to scan, and to see which other rollout is under way.
    "roles/monitoring.viewer", "roles/ondemandscanning.admin", "roles/cloudbuild.builds.viewer",
    # gcloud waits for operations, which belong to the project and not to the service: run.operations.get.
    "roles/run.viewer",
  ])
  project = var.project
  role    = each.value
  member  = google_service_account.deploy.member
}

# Who deploys an image must be able to read it.
resource "google_artifact_registry_repository_iam_member" "deploy" {
  project    = local.registry.project
  repository = local.registry.repository
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.deploy.member
  depends_on = [google_artifact_registry_repository.this]
}

# To receive pushes of another project, Cloud Build must be allowed to subscribe there.
resource "google_pubsub_topic_iam_member" "pushes" {
  count   = var.image_source == null ? 0 : 1
  project = local.registry.project
  topic   = "gcr"
  role    = "roles/pubsub.subscriber"
  member  = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-cloudbuild.iam.gserviceaccount.com"
}

# Cloud Run itself pulls the image, and may do so in its own project alone.
resource "google_artifact_registry_repository_iam_member" "run" {
  count      = var.image_source == null ? 0 : 1
  project    = local.registry.project
  repository = local.registry.repository
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:service-${data.google_project.this.number}@serverless-robot-prod.iam.gserviceaccount.com"
}

resource "google_cloud_run_v2_service_iam_member" "deploy" {
  for_each = toset(var.image == null ? [] : concat(["roles/run.developer"], local.is_private ? ["roles/run.invoker"] : []))
  name     = google_cloud_run_v2_service.this[0].name
  location = var.region
  role     = each.value
  member   = google_service_account.deploy.member
}

# To deploy a service one must be allowed to run as it.
resource "google_service_account_iam_member" "deploy" {
  service_account_id = google_service_account.agent.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deploy.member
}

# The smoke test shows an ID token, which an account may make for itself only with this role:
# https://cloud.google.com/build/docs/securing-builds/authorize-service-to-service-access
resource "google_service_account_iam_member" "deploy_itself" {
  service_account_id = google_service_account.deploy.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.deploy.member
}

resource "google_secret_manager_secret_iam_member" "smoke_key" {
  secret_id = google_secret_manager_secret.this["smoke-key"].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.deploy.member
}

# What `gcloud builds submit` uploads. The default bucket (PROJECT_cloudbuild) cannot be read by an account that was given nothing, as these are.
resource "google_storage_bucket" "source" {
  name                        = "${var.project}-${var.name}-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 7
    }
  }
  depends_on = [google_project_service.this]
}

resource "google_storage_bucket_iam_member" "source" {
  for_each = merge(
    { deploy = google_service_account.deploy.member },
    var.image_source == null ? { build = google_service_account.build[0].member } : {},
  )
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = each.value
}
