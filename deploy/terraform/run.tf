locals {
  environment = merge(
    local.redis_address,
    {
      ENVIRONMENT                = var.environment
      REDIS_STARTUP_WAIT_SECONDS = tostring(var.startup_wait_seconds)
      REQUIRE_AUTH               = tostring(var.api_keys)
    },
    var.api_keys ? { API_KEYS_FILE = "/secrets/api-keys/keys" } : {},
    local.redis.tls ? { REDIS_TLS_CA_FILE = "/secrets/redis-ca/ca.pem", REDIS_TLS_VERIFY = local.redis.verify } : {},
    local.redis.password ? { REDIS_PASSWORD_FILE = "/secrets/redis-auth/password" } : {},
    local.redis.iam ? { REDIS_AUTH = "google-iam" } : {},
    # What a process keeps for shards has a bound, 128 unless it is told otherwise: the most that there can be, so that growing makes no new revision.
    local.is_cluster && var.shards > 128 ? { REDIS_CLUSTER_MAX_SHARDS = "250" } : {},
    # One connection of the front end may carry many clients: those who give up must not end the requests of the others.
    # And it has as many streams as there are requests at once, so that one is enough.
    var.protocol == "h2c" ? { HTTP2_MAX_ABUSE = "1000000", HTTP2_MAX_STREAMS = "250" } : {},
    # The sidecar shows no key; nobody else comes to the loopback.
    var.managed_prometheus ? { METRICS_PORT = "9090" } : {},
    var.self_url == "" ? {} : { SELF_URL = var.self_url },
    var.factory_platform_url == "" ? {} : { FACTORY_PLATFORM_URL = var.factory_platform_url },
    var.agent_prd_id == "" ? {} : { AGENT_PRD_ID = var.agent_prd_id },
  )
  # Where each secret is mounted, and as which file. They are read from Secret Manager whenever the file is.
  mounts = merge(
    var.api_keys ? { api-keys = "keys" } : {},
    local.redis.tls ? { redis-ca = "ca.pem" } : {},
    local.redis.password ? { redis-auth = "password" } : {},
  )
}

# Who owns what: Terraform the settings of a revision, the pipeline (deploy/steps) its image and all traffic. A changed setting makes a revision that
# gets no traffic, since the pipeline leaves the traffic with a revision by name; the next rollout shifts it in steps, as it would a new image.
resource "google_cloud_run_v2_service" "this" {
  count                = var.image == null ? 0 : 1
  name                 = var.name
  location             = var.region
  ingress              = var.ingress
  invoker_iam_disabled = length(var.invokers) == 0
  deletion_protection  = var.deletion_protection

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? [1] : []
    content {
      use_default = true
    }
  }

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
      connector = local.connector
      dynamic "network_interfaces" {
        for_each = var.egress == "direct" ? [1] : []
        content {
          network    = local.network
          subnetwork = local.subnetwork
          tags       = [local.tag]
        }
      }
    }

    containers {
      name  = "agent"
      image = var.image
      # Probes are HTTP/1 whatever this is: the port speaks both.
      ports {
        name           = var.protocol
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
      # The wait for Redis, twice: a probe that gives up restarts the container.
      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = max(20, 2 * var.startup_wait_seconds)
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
        # Without limits a container has 1 vCPU and 512 MiB, always on: about 50 USD a month for each instance. Parts of a vCPU are allowed if all
        # containers together have one: https://cloud.google.com/run/docs/configuring/services/cpu
        resources {
          limits   = { cpu = "0.2", memory = "256Mi" }
          cpu_idle = false
        }
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
    # The pipeline's. gcloud marks the revisions that it makes by a label (a nonce) and names none of them, unless it is given a tag or a suffix: the
    # pipeline tells it neither, so that a revision is never named here, and a later change of the template cannot meet the name of an older one (409).
    ignore_changes = [template[0].containers[0].image, template[0].labels, traffic, client, client_version]
  }
  depends_on = [google_secret_manager_secret_iam_member.agent, google_secret_manager_secret_version.collector]
}

locals {
  # The uptime check asks as Monitoring's service agent.
  monitoring_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
  is_private       = length(var.invokers) > 0
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = toset(var.image == null || !local.is_private ? [] : concat(var.invokers, local.checks_uptime ? [local.monitoring_agent] : []))
  name     = google_cloud_run_v2_service.this[0].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}
