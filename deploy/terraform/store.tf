# One of three, or none. A cache keeps no snapshots: what is in it can be fetched again, and a copy on a disk is one place more to guard.

resource "google_redis_instance" "this" {
  count                   = var.store == "redis" ? 1 : 0
  name                    = var.name
  region                  = var.region
  tier                    = "STANDARD_HA"
  memory_size_gb          = var.redis_memory_gb
  redis_version           = "REDIS_7_2"
  connect_mode            = "PRIVATE_SERVICE_ACCESS"
  authorized_network      = local.network_id
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
  lifecycle {
    # A change of tier, TLS or network makes a new instance, and loses what is in the old one. Take this line out if that is what you want.
    prevent_destroy = true
  }
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
    network = local.network_id
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
    network    = local.network_id
    project_id = var.project
  }
  depends_on = [google_network_connectivity_service_connection_policy.this]
}

locals {
  # How the service speaks to it. Memorystore for Redis is reached by address, and its certificate has another name.
  redis = {
    redis = {
      host = one(google_redis_instance.this[*].host), port = 6378, database = 0, tls = true, verify = "chain", password = true, iam = false
    }
    redis-cluster = {
      host = one(google_redis_cluster.this[*].discovery_endpoints[0].address), port = 6379, database = 0, tls = true, verify = "full", password = false, iam = true
    }
    valkey = {
      host     = one(google_memorystore_instance.this[*].endpoints[0].connections[0].psc_auto_connection[0].ip_address)
      port     = 6379
      database = 0
      tls      = true
      verify   = "full"
      password = false
      iam      = true
    }
    existing = {
      host     = try(var.existing_redis.host, null)
      port     = try(var.existing_redis.port, 6379)
      database = try(var.existing_redis.database, 0)
      tls      = try(var.existing_redis.tls, false)
      verify   = "chain"
      password = try(var.existing_redis.password, false)
      iam      = false
    }
  }[var.store]
}
