# One of four, or none. A cache keeps no snapshots: what is in it can be fetched again, and a copy on a disk is one place more to guard.

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

# Shards, replicas and node type can be changed while the service runs. If authorization, encryption or mode change, the provider makes a new cluster, and what
# is in the old one is lost: deletion_protection refuses that.
resource "google_redis_cluster" "this" {
  count                   = var.store == "redis-cluster" ? 1 : 0
  name                    = var.name
  region                  = var.region
  shard_count             = var.shards
  replica_count           = var.replicas_per_shard
  node_type               = "REDIS_${local.node_type}"
  authorization_mode      = "AUTH_MODE_IAM_AUTH"
  transit_encryption_mode = "TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION"
  # The default evicts only keys with a time to live.
  redis_configs = { "maxmemory-policy" = "allkeys-lfu" }
  persistence_config {
    mode = "DISABLED"
  }
  psc_configs {
    network = local.network_id
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
  deletion_protection_enabled = var.deletion_protection
  depends_on                  = [google_network_connectivity_service_connection_policy.this, google_project_service.this]
}

resource "google_memorystore_instance" "this" {
  count                   = local.is_valkey ? 1 : 0
  instance_id             = var.name
  location                = var.region
  engine_version          = "VALKEY_8_0"
  mode                    = local.is_cluster ? "CLUSTER" : "CLUSTER_DISABLED"
  shard_count             = local.is_cluster ? var.shards : 1
  replica_count           = var.replicas_per_shard
  node_type               = local.node_type
  authorization_mode      = "IAM_AUTH"
  transit_encryption_mode = "SERVER_AUTHENTICATION"
  engine_configs          = { "maxmemory-policy" = "allkeys-lfu" }
  persistence_config {
    mode = "DISABLED"
  }
  desired_auto_created_endpoints {
    network    = local.network_id
    project_id = var.project
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
  deletion_protection_enabled = var.deletion_protection
  depends_on                  = [google_network_connectivity_service_connection_policy.this, google_project_service.this]
}

locals {
  is_valkey     = contains(["valkey", "valkey-single"], var.store)
  is_cluster    = contains(["redis-cluster", "valkey"], var.store)
  has_endpoints = var.store == "redis-cluster" || local.is_valkey
  node_type     = upper(replace(var.node_type, "-", "_"))
  # An instance has several connections, in no order that is promised: beside this one the nodes' of a cluster, or the replicas' without one.
  valkey_host = one([
    for connection in flatten([
      for instance in google_memorystore_instance.this : [
        for endpoint in instance.endpoints : [for connection in endpoint.connections : connection.psc_auto_connection]
      ]
    ]) : connection.ip_address if connection.connection_type == (local.is_cluster ? "CONNECTION_TYPE_DISCOVERY" : "CONNECTION_TYPE_PRIMARY")
  ])
}

locals {
  # How the service speaks to it. Memorystore for Redis is reached by address, and its certificate has another name. Of a cluster the discovery endpoint is
  # enough: the service finds out that it is one, and asks it for the nodes.
  redis = {
    redis = {
      host = one(google_redis_instance.this[*].host), port = 6378, database = 0, tls = true, verify = "chain", password = true, iam = false
    }
    redis-cluster = {
      host = one(google_redis_cluster.this[*].discovery_endpoints[0].address), port = 6379, database = 0, tls = true, verify = "full", password = false, iam = true
    }
    valkey = {
      host = local.valkey_host, port = 6379, database = 0, tls = true, verify = "full", password = false, iam = true
    }
    valkey-single = {
      host = local.valkey_host, port = 6379, database = 0, tls = true, verify = "full", password = false, iam = true
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
  # Further nodes to begin with can only be named in a URL, which says everything else as well, but no password.
  redis_seeds = var.store == "existing" ? try(var.existing_redis.seeds, []) : []
  redis_address = length(local.redis_seeds) == 0 ? {
    REDIS_HOST = local.redis.host
    REDIS_PORT = tostring(local.redis.port)
    REDIS_DB   = tostring(local.redis.database)
    REDIS_TLS  = local.redis.tls ? "on" : "off"
    } : {
    REDIS_URL = "${local.redis.tls ? "rediss" : "redis"}://${join(",", concat(["${local.redis.host}:${local.redis.port}"], local.redis_seeds))}"
  }
}
