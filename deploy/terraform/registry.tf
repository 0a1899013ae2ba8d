resource "google_artifact_registry_repository" "this" {
  count         = var.image_source == null ? 1 : 0
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  # Tags may move: everything is deployed by digest. Where tags are immutable they cannot be deleted either, as Google describes the field, so that the
  # clean-up could never delete a tagged image, and every build's image has a tag.
  docker_config {
    immutable_tags = false
  }
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "7776000s"
    }
  }
  depends_on = [google_project_service.this]
}

locals {
  # Where images are: this project's registry, or that of the project that builds them.
  registry = {
    project    = try(var.image_source.project, var.project)
    repository = try(var.image_source.repository, var.name)
  }
  repository_path = "${var.region}-docker.pkg.dev/${local.registry.project}/${local.registry.repository}"
}
