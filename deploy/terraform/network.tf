resource "google_compute_network" "this" {
  name                    = var.name
  auto_create_subnetworks = false
  depends_on              = [google_project_service.this]
}

# Direct VPC egress takes two addresses an instance, twice as many while revisions change: /26 has 64.
resource "google_compute_subnetwork" "run" {
  name                     = var.name
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.10.0.0/26"
  private_ip_google_access = true
}

resource "google_compute_subnetwork" "connector" {
  count                    = var.egress == "connector" ? 1 : 0
  name                     = "${var.name}-connector"
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.10.0.64/28"
  private_ip_google_access = true
}

resource "google_vpc_access_connector" "this" {
  count         = var.egress == "connector" ? 1 : 0
  name          = "redis-connector"
  region        = var.region
  machine_type  = "e2-standard-4"
  min_instances = 2
  max_instances = 3
  subnet {
    name = google_compute_subnetwork.connector[0].name
  }
  depends_on = [google_project_service.this]
}

# Memorystore for Redis is reached by private services access, the other two by Private Service Connect.
resource "google_compute_global_address" "services" {
  count         = var.store == "redis" ? 1 : 0
  name          = "${var.name}-services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 24
  network       = google_compute_network.this.id
}

resource "google_service_networking_connection" "services" {
  count                   = var.store == "redis" ? 1 : 0
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]
}

resource "google_compute_subnetwork" "endpoints" {
  count                    = var.store == "redis" ? 0 : 1
  name                     = "${var.name}-endpoints"
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.10.0.128/27"
  private_ip_google_access = true
}

resource "google_network_connectivity_service_connection_policy" "this" {
  count         = var.store == "redis" ? 0 : 1
  name          = var.name
  location      = var.region
  service_class = var.store == "valkey" ? "gcp-memorystore" : "gcp-memorystore-redis"
  network       = google_compute_network.this.id
  psc_config {
    subnetworks = [google_compute_subnetwork.endpoints[0].id]
  }
  depends_on = [google_project_service.this]
}
