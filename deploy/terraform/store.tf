# One of three. A cache keeps no snapshots: what is in it can be fetched again, and a copy on a disk is one place more to guard.

resource "google_redis_instance" "this" {
  count                   = var.store == "redis" ? 1 : 0
  name                    = var.name
  region                  = var.region
  tier                    = "STANDARD_HA"
  memory_size_gb          = var.redis_memory_gb
  redis_version           = "REDIS_7_2"
  connect_mode            = "PRIVATE_SERVICE_ACCESS"
  authorized_network      = google_compute_network.this.id
  auth_enabled            = true
  transit_encryption_mode = "SERVER_AUTHENTICATION"
  redis_configs = {
    # The default evicts only keys with a time to live, and answers writes with an error when there are none.
    "maxmemory-policy" = "allkeys-lfu"
    # A quarter is left for replication and fragmentation.
    "maxmemory-gb" = tostring(var.redis_memory_gb * 0.75)
  }
  persistence_config {
    persistence_mode = "DISABLED"
  }
  maintenance_policy {
    weekly_maintenance_window {
      day = "SUNDAY"
      start_time {
        hours   = 3
        minutes = 0
        seconds = 0
        nanos   = 0
      }
    }
  }
  depends_on = [google_service_networking_connection.services]
}

resource "google_redis_cluster" "this" {
  count                   = var.store == "redis-cluster" ? 1 : 0
  name                    = var.name
  region                  = var.region
  shard_count             = 1
  replica_count           = 1
  node_type               = "REDIS_STANDARD_SMALL"
  authorization_mode      = "AUTH_MODE_IAM_AUTH"
  transit_encryption_mode = "TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION"
  redis_configs           = { "maxmemory-policy" = "allkeys-lfu" }
  psc_configs {
    network = google_compute_network.this.id
  }
  deletion_protection_enabled = var.deletion_protection
  depends_on                  = [google_network_connectivity_service_connection_policy.this]
}

resource "google_memorystore_instance" "this" {
  count                       = var.store == "valkey" ? 1 : 0
  instance_id                 = var.name
  location                    = var.region
  engine_version              = "VALKEY_8_0"
  mode                        = "CLUSTER_DISABLED"
  shard_count                 = 1
  replica_count               = 1
  node_type                   = "STANDARD_SMALL"
  authorization_mode          = "IAM_AUTH"
  transit_encryption_mode     = "SERVER_AUTHENTICATION"
  engine_configs              = { "maxmemory-policy" = "allkeys-lfu" }
  deletion_protection_enabled = var.deletion_protection
  desired_auto_created_endpoints {
    network    = google_compute_network.this.id
    project_id = var.project
  }
  depends_on = [google_network_connectivity_service_connection_policy.this]
}

locals {
  uses_password = var.store == "redis"
  redis_host = (
    var.store == "redis" ? one(google_redis_instance.this[*].host)
    : var.store == "redis-cluster" ? one(google_redis_cluster.this[*].discovery_endpoints[0].address)
    : one(google_memorystore_instance.this[*].endpoints[0].connections[0].psc_auto_connection[0].ip_address)
  )
  redis_port = var.store == "redis" ? 6378 : 6379
}
