locals {
  triggers = var.repository != null
  builds   = local.triggers && var.image_source == null
  image_substitutions = {
    _REGION     = var.region
    _REPOSITORY = local.registry.repository
  }
}

# A pull request is checked; nothing is pushed or deployed.
resource "google_cloudbuild_trigger" "check" {
  count           = local.builds ? 1 : 0
  name            = "${var.name}-check"
  location        = var.region
  description     = "Check a pull request"
  filename        = "deploy/pipeline/check.yaml"
  service_account = google_service_account.check[0].id
  github {
    owner = var.repository.owner
    name  = var.repository.name
    pull_request {
      branch          = "^${var.repository.branch}$"
      comment_control = "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY"
    }
  }
  substitutions = local.image_substitutions
  depends_on    = [google_project_service.this]
}

resource "google_cloudbuild_trigger" "build" {
  count           = local.builds ? 1 : 0
  name            = "${var.name}-build"
  location        = var.region
  description     = "Check, build and push an image with its provenance"
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.build[0].id
  github {
    owner = var.repository.owner
    name  = var.repository.name
    push {
      branch = "^${var.repository.branch}$"
    }
  }
  substitutions = local.image_substitutions
  depends_on    = [google_project_service.this]
}

# Artifact Registry tells of every push in the topic gcr of its project, if there is one:
# https://cloud.google.com/artifact-registry/docs/configure-notifications (If somebody made it already: terraform import google_pubsub_topic.pushes[0] gcr.)
resource "google_pubsub_topic" "pushes" {
  count      = local.builds ? 1 : 0
  name       = "gcr"
  depends_on = [google_project_service.this]
}

resource "google_cloudbuild_trigger" "rollout" {
  count           = local.triggers && var.rollout != "manual" && var.image != null ? 1 : 0
  name            = "${var.name}-rollout"
  location        = var.region
  description     = "Scan an image, deploy it as a canary, and shift the traffic"
  service_account = google_service_account.deploy.id
  pubsub_config {
    topic = "projects/${local.registry.project}/topics/gcr"
  }
  source_to_build {
    uri       = "https://github.com/${var.repository.owner}/${var.repository.name}"
    ref       = "refs/heads/${var.repository.branch}"
    repo_type = "GITHUB"
  }
  git_file_source {
    path      = "deploy/pipeline/rollout.yaml"
    uri       = "https://github.com/${var.repository.owner}/${var.repository.name}"
    revision  = "refs/heads/${var.repository.branch}"
    repo_type = "GITHUB"
  }
  approval_config {
    approval_required = var.rollout == "approval"
  }
  # Of the pushes those of the service's image; the image that runs the checks is in the same registry.
  filter = "_ACTION == \"INSERT\" && _IMAGE.startsWith(\"${local.repository_path}/agent@\")"
  substitutions = {
    _ACTION    = "$(body.message.data.action)"
    _IMAGE     = "$(body.message.data.digest)"
    _REGION    = var.region
    _SERVICE   = google_cloud_run_v2_service.this[0].name
    _SMOKE_KEY = google_secret_manager_secret.this["smoke-key"].secret_id
  }
  depends_on = [google_project_service.this, google_pubsub_topic.pushes, google_pubsub_topic_iam_member.pushes]
}

# Only what Cloud Build of the building project has signed may run. Google makes the attestor with the first build after the API was enabled:
# https://cloud.google.com/binary-authorization/docs/deploy-cloud-build
resource "google_binary_authorization_policy" "this" {
  count                         = var.binary_authorization ? 1 : 0
  global_policy_evaluation_mode = "ENABLE"
  # The collector is Google's own.
  admission_whitelist_patterns {
    name_pattern = "us-docker.pkg.dev/cloud-ops-agents-artifacts/**"
  }
  default_admission_rule {
    evaluation_mode         = "REQUIRE_ATTESTATION"
    enforcement_mode        = "ENFORCED_BLOCK_AND_AUDIT_LOG"
    require_attestations_by = ["projects/${local.registry.project}/attestors/built-by-cloud-build"]
  }
  depends_on = [google_project_service.this]
}
