locals {
  makes_network   = var.existing_network == null && (var.store != "existing" || var.egress == "direct" || var.existing_connector == null)
  makes_connector = var.egress == "connector" && var.existing_connector == null
  # What the network knows instances of the service by.
  tag = "cache-agent"
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

# The other stores are reached by Private Service Connect. A cluster takes two addresses, however many nodes it has: one for the discovery endpoint and one
# for all nodes, which differ by their ports. https://cloud.google.com/memorystore/docs/cluster/networking
locals {
  makes_endpoints = local.has_endpoints && try(var.existing_network.endpoints, null) == null
  endpoints_range = local.makes_endpoints ? "10.10.0.128/27" : try(var.existing_network.endpoints, null)
}

resource "google_compute_subnetwork" "endpoints" {
  count                    = local.makes_endpoints ? 1 : 0
  name                     = "${var.name}-endpoints"
  region                   = var.region
  network                  = local.network_id
  ip_cidr_range            = local.endpoints_range
  private_ip_google_access = true
  depends_on               = [google_compute_network.this]
}

resource "google_network_connectivity_service_connection_policy" "this" {
  count         = local.makes_endpoints ? 1 : 0
  name          = var.name
  location      = var.region
  service_class = var.store == "redis-cluster" ? "gcp-memorystore-redis" : "gcp-memorystore"
  network       = local.network_id
  psc_config {
    subnetworks = [google_compute_subnetwork.endpoints[0].id]
  }
  depends_on = [google_project_service.this]
}

# A network lets everything out unless a rule of its own denies it, which has priority 1000 if nothing else is said. With the discovery endpoint's port alone
# a client learns which nodes there are, and reaches none.
resource "google_compute_firewall" "endpoints" {
  count              = local.has_endpoints ? 1 : 0
  name               = "${var.name}-redis"
  network            = local.network_id
  direction          = "EGRESS"
  priority           = 900
  destination_ranges = [local.endpoints_range]
  target_tags        = [var.egress == "direct" ? local.tag : "vpc-connector-${var.region}-${coalesce(var.existing_connector, "redis-connector")}"]
  allow {
    protocol = "tcp"
    ports    = local.is_cluster ? ["6379", "11000-13047"] : ["6379"]
  }
  depends_on = [google_compute_network.this]
}
