# Every API that a resource here, the pipeline or deploy/steps calls. cloudresourcemanager and serviceusage are needed to enable the others:
# deploy/bootstrap enables them.
resource "google_project_service" "this" {
  for_each = toset(concat(
    [
      "artifactregistry.googleapis.com", "cloudbuild.googleapis.com", "cloudresourcemanager.googleapis.com", "compute.googleapis.com",
      "containeranalysis.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com", "logging.googleapis.com",
      "monitoring.googleapis.com", "ondemandscanning.googleapis.com", "pubsub.googleapis.com", "run.googleapis.com", "secretmanager.googleapis.com",
      "storage.googleapis.com",
    ],
    var.store == "redis" ? ["redis.googleapis.com", "servicenetworking.googleapis.com"] : [],
    var.store == "redis-cluster" ? ["redis.googleapis.com"] : [],
    local.is_valkey ? ["memorystore.googleapis.com"] : [],
    # The second is called by nobody here: Google's automation of the endpoints needs it.
    local.has_endpoints ? ["networkconnectivity.googleapis.com", "serviceconsumermanagement.googleapis.com"] : [],
    var.egress == "connector" ? ["vpcaccess.googleapis.com"] : [],
    var.binary_authorization ? ["binaryauthorization.googleapis.com"] : [],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
  ))
  service            = each.value
  disable_on_destroy = false
}

data "google_project" "this" {}
