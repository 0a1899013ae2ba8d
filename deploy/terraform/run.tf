locals {
  environment = merge(
    {
      ENVIRONMENT       = "production"
      REDIS_HOST        = local.redis_host
      REDIS_PORT        = tostring(local.redis_port)
      REDIS_TLS         = "on"
      REDIS_TLS_CA_FILE = "/secrets/redis-ca/ca.pem"
      # Memorystore for Redis is reached by address, and its certificate has another name.
      REDIS_TLS_VERIFY = var.store == "redis" ? "chain" : "full"
      API_KEYS_FILE    = "/secrets/api-keys/keys"
      REQUIRE_AUTH     = "true"
    },
    # The sidecar shows no key; nobody else comes to the loopback.
    var.managed_prometheus ? { METRICS_PORT = "9090" } : {},
    local.uses_password ? { REDIS_PASSWORD_FILE = "/secrets/redis-auth/password" } : { REDIS_AUTH = "google-iam" },
    var.self_url == "" ? {} : { SELF_URL = var.self_url },
    var.factory_platform_url == "" ? {} : { FACTORY_PLATFORM_URL = var.factory_platform_url },
    var.agent_prd_id == "" ? {} : { AGENT_PRD_ID = var.agent_prd_id },
  )
  # Where each secret is mounted, and as which file. They are read from Secret Manager whenever the file is.
  mounts = merge(
    { redis-ca = "ca.pem", api-keys = "keys" },
    local.uses_password ? { redis-auth = "password" } : {},
  )
}

resource "google_cloud_run_v2_service" "this" {
  name                = var.name
  location            = var.region
  ingress             = var.ingress
  deletion_protection = var.deletion_protection

  scaling {
    min_instance_count = var.minimum_instances
  }

  template {
    service_account                  = google_service_account.agent.email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = 250
    timeout                          = "30s"
    scaling {
      max_instance_count = var.maximum_instances
    }
    vpc_access {
      egress    = "PRIVATE_RANGES_ONLY"
      connector = one(google_vpc_access_connector.this[*].id)
      dynamic "network_interfaces" {
        for_each = var.egress == "direct" ? [1] : []
        content {
          network    = google_compute_network.this.name
          subnetwork = google_compute_subnetwork.run.name
          tags       = ["cache-agent"]
        }
      }
    }

    containers {
      name  = "agent"
      image = var.image
      ports {
        name           = "http1"
        container_port = 8080
      }
      resources {
        limits            = { cpu = "2", memory = "2Gi" }
        cpu_idle          = false
        startup_cpu_boost = true
      }
      dynamic "env" {
        for_each = local.environment
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "volume_mounts" {
        for_each = local.mounts
        content {
          name       = volume_mounts.key
          mount_path = "/secrets/${volume_mounts.key}"
        }
      }
      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 20
        http_get {
          path = "/health/startup"
          port = 8080
        }
      }
      # Of the process alone: an outage of Redis must restart nothing.
      liveness_probe {
        period_seconds    = 10
        timeout_seconds   = 3
        failure_threshold = 3
        http_get {
          path = "/health/live"
          port = 8080
        }
      }
    }

    dynamic "containers" {
      for_each = var.managed_prometheus ? [1] : []
      content {
        name       = "collector"
        image      = var.collector_image
        depends_on = ["agent"]
        volume_mounts {
          name       = "collector"
          mount_path = "/etc/rungmp"
        }
        liveness_probe {
          period_seconds  = 30
          timeout_seconds = 30
          http_get {
            path = "/liveness"
            port = 13133
          }
        }
      }
    }

    dynamic "volumes" {
      for_each = merge(local.mounts, var.managed_prometheus ? { collector = "config.yaml" } : {})
      content {
        name = volumes.key
        secret {
          secret = google_secret_manager_secret.this[volumes.key].secret_id
          items {
            version = "latest"
            path    = volumes.value
          }
        }
      }
    }
  }

  lifecycle {
    # The pipeline's: it deploys images by digest and moves the traffic step by step.
    ignore_changes = [template[0].containers[0].image, template[0].revision, traffic, client, client_version]
  }
  depends_on = [google_secret_manager_secret_iam_member.agent, google_secret_manager_secret_version.collector]
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = toset(var.invokers)
  name     = google_cloud_run_v2_service.this.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}
