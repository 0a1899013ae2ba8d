resource "google_project_service" "this" {
  for_each = toset(concat(
    [
      "artifactregistry.googleapis.com", "cloudbuild.googleapis.com", "compute.googleapis.com", "iam.googleapis.com",
      "logging.googleapis.com", "monitoring.googleapis.com", "run.googleapis.com", "secretmanager.googleapis.com",
    ],
    var.store == "redis" ? ["redis.googleapis.com", "servicenetworking.googleapis.com"] : [],
    var.store == "redis-cluster" ? ["redis.googleapis.com", "networkconnectivity.googleapis.com"] : [],
    var.store == "valkey" ? ["memorystore.googleapis.com", "networkconnectivity.googleapis.com"] : [],
    var.egress == "connector" ? ["vpcaccess.googleapis.com"] : [],
  ))
  service            = each.value
  disable_on_destroy = false
}
