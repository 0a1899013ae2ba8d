resource "google_cloudbuild_trigger" "this" {
  count           = var.repository == null ? 0 : 1
  name            = var.name
  location        = var.region
  description     = "Test, build, scan, and deploy in steps"
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.pipeline.id
  github {
    owner = var.repository.owner
    name  = var.repository.name
    push {
      branch = var.repository.branch
    }
  }
  substitutions = {
    _REGION     = var.region
    _SERVICE    = var.name
    _REPOSITORY = google_artifact_registry_repository.this.repository_id
  }
  depends_on = [google_project_service.this]
}
