locals {
  makes_network   = var.existing_network == null && (var.store != "existing" || var.egress == "direct" || var.existing_connector == null)
  makes_connector = var.egress == "connector" && var.existing_connector == null
  # Memorystore for Redis is reached by private services access.
  makes_private_services = var.store == "redis" && !try(var.existing_network.private_services, false)
  network                = try(var.existing_network.network, one(google_compute_network.this[*].name), null)
  network_id             = local.network == null ? null : "projects/${var.project}/global/networks/${local.network}"
  subnetwork             = try(var.existing_network.subnetwork, one(google_compute_subnetwork.run[*].name))
  connector = (
    local.makes_connector ? google_vpc_access_connector.this[0].id
    : var.existing_connector == null ? null
    : "projects/${var.project}/locations/${var.region}/connectors/${var.existing_connector}"
  )
}

resource "google_compute_network" "this" {
  count                   = local.makes_network ? 1 : 0
  name                    = var.name
  auto_create_subnetworks = false
  depends_on              = [google_project_service.this]
}

# Direct VPC egress takes two addresses an instance, twice as many while revisions change: /26 has 64.
resource "google_compute_subnetwork" "run" {
  count                    = local.makes_network && var.egress == "direct" ? 1 : 0
  name                     = var.name
  region                   = var.region
  network                  = google_compute_network.this[0].id
  ip_cidr_range            = "10.10.0.0/26"
  private_ip_google_access = true
}

resource "google_compute_subnetwork" "connector" {
  count                    = local.makes_connector ? 1 : 0
  name                     = "${var.name}-connector"
  region                   = var.region
  network                  = local.network_id
  ip_cidr_range            = "10.10.0.64/28"
  private_ip_google_access = true
  depends_on               = [google_compute_network.this]
}

resource "google_vpc_access_connector" "this" {
  count         = local.makes_connector ? 1 : 0
  name          = "redis-connector"
  region        = var.region
  machine_type  = "e2-micro"
  min_instances = 2
  max_instances = 3
  subnet {
    name = google_compute_subnetwork.connector[0].name
  }
  depends_on = [google_project_service.this]
}

resource "google_compute_global_address" "services" {
  count         = local.makes_private_services ? 1 : 0
  name          = "${var.name}-services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 24
  network       = local.network_id
  depends_on    = [google_compute_network.this]
}

resource "google_service_networking_connection" "services" {
  count                   = local.makes_private_services ? 1 : 0
  network                 = local.network_id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]
}

# The other two stores are reached by Private Service Connect.
resource "google_compute_subnetwork" "endpoints" {
  count                    = contains(["redis-cluster", "valkey"], var.store) ? 1 : 0
  name                     = "${var.name}-endpoints"
  region                   = var.region
  network                  = local.network_id
  ip_cidr_range            = "10.10.0.128/27"
  private_ip_google_access = true
  depends_on               = [google_compute_network.this]
}

resource "google_network_connectivity_service_connection_policy" "this" {
  count         = contains(["redis-cluster", "valkey"], var.store) ? 1 : 0
  name          = var.name
  location      = var.region
  service_class = var.store == "valkey" ? "gcp-memorystore" : "gcp-memorystore-redis"
  network       = local.network_id
  psc_config {
    subnetworks = [google_compute_subnetwork.endpoints[0].id]
  }
  depends_on = [google_project_service.this]
}
