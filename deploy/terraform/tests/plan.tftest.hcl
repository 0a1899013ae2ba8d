# Against a provider that invents what Google would answer: `deploy/check` runs this offline.
mock_provider "google" {
  mock_resource "google_redis_instance" {
    defaults = { host = "10.0.0.3" }
  }
  mock_resource "google_cloud_run_v2_service" {
    defaults = { uri = "https://cache.example.com", name = "redis-caching-agent" }
  }
  mock_resource "google_service_account" {
    defaults = {
      email  = "agent@project.iam.gserviceaccount.com"
      member = "serviceAccount:agent@project.iam.gserviceaccount.com"
      name   = "projects/project/serviceAccounts/agent@project.iam.gserviceaccount.com"
      id     = "projects/project/serviceAccounts/agent@project.iam.gserviceaccount.com"
    }
  }
}

variables {
  project = "project"
  image   = "us-central1-docker.pkg.dev/project/redis-caching-agent/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}

run "service" {
  command = plan
  assert {
    condition     = google_cloud_run_v2_service.this.scaling[0].min_instance_count == 1
    error_message = "one instance at least"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].scaling[0].max_instance_count == 10
    error_message = "ten instances at most"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].containers[0].resources[0].limits["cpu"] == "2" && google_cloud_run_v2_service.this.template[0].containers[0].resources[0].limits["memory"] == "2Gi"
    error_message = "2 vCPU and 2 GiB"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].containers[0].resources[0].cpu_idle == false && google_cloud_run_v2_service.this.template[0].containers[0].resources[0].startup_cpu_boost
    error_message = "CPU is always allocated, and more of it at the start"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].execution_environment == "EXECUTION_ENVIRONMENT_GEN2"
    error_message = "second generation"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].http_get[0].path == "/health/startup" && google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].http_get[0].path == "/health/live"
    error_message = "probes ask for the process alone"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].vpc_access[0].egress == "PRIVATE_RANGES_ONLY" && google_cloud_run_v2_service.this.template[0].vpc_access[0].network_interfaces[0].subnetwork == "redis-caching-agent"
    error_message = "direct egress into the private network"
  }
  assert {
    condition     = length(google_cloud_run_v2_service.this.template[0].containers) == 2
    error_message = "the agent and the collector"
  }
}

run "redis_is_private" {
  command = plan
  assert {
    condition     = google_redis_instance.this[0].tier == "STANDARD_HA" && google_redis_instance.this[0].auth_enabled && google_redis_instance.this[0].transit_encryption_mode == "SERVER_AUTHENTICATION"
    error_message = "highly available, with a password, over TLS"
  }
  assert {
    condition     = google_redis_instance.this[0].connect_mode == "PRIVATE_SERVICE_ACCESS"
    error_message = "no public address"
  }
  assert {
    condition     = google_redis_instance.this[0].redis_configs["maxmemory-policy"] == "allkeys-lfu"
    error_message = "every key may be evicted"
  }
  assert {
    condition     = google_redis_instance.this[0].maintenance_policy[0].weekly_maintenance_window[0].day == "SUNDAY"
    error_message = "maintenance has a window"
  }
  assert {
    condition     = google_compute_network.this.auto_create_subnetworks == false
    error_message = "a network of its own"
  }
}

run "no_secret_in_plain_text" {
  command = plan
  assert {
    condition     = length([for name, value in local.environment : name if strcontains(name, "PASSWORD") && name != "REDIS_PASSWORD_FILE" || name == "API_KEYS" || name == "REDIS_URL"]) == 0
    error_message = "secrets are files, never values"
  }
  assert {
    condition     = alltrue([for volume in google_cloud_run_v2_service.this.template[0].volumes : length(volume.secret) == 1])
    error_message = "volumes are secrets"
  }
  assert {
    condition     = toset(keys(google_secret_manager_secret.this)) == toset(["api-keys", "collector", "redis-auth", "redis-ca"])
    error_message = "every secret exists"
  }
  assert {
    condition     = length(google_secret_manager_secret_version.collector) == 1
    error_message = "only the collector's configuration passes through Terraform"
  }
  assert {
    condition     = local.environment["REQUIRE_AUTH"] == "true"
    error_message = "without API keys the service must not start"
  }
}

run "least_privilege" {
  command = plan
  assert {
    condition     = toset(keys(google_project_iam_member.agent)) == toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])
    error_message = "the service writes its log and its metrics, no more"
  }
  assert {
    condition     = !contains(keys(google_project_iam_member.pipeline), "roles/owner") && !contains(keys(google_project_iam_member.pipeline), "roles/editor")
    error_message = "the pipeline owns nothing"
  }
}

run "objectives" {
  command = plan
  assert {
    condition     = google_monitoring_slo.availability.goal == 0.999 && google_monitoring_slo.latency.goal == 0.99
    error_message = "99.9 % do not fail, 99 % are fast"
  }
  assert {
    condition     = google_monitoring_slo.latency.request_based_sli[0].distribution_cut[0].range[0].max == 50
    error_message = "fast is 50 ms"
  }
  assert {
    condition     = length(google_monitoring_alert_policy.burn) == 4 && length(google_monitoring_alert_policy.promql) == 4
    error_message = "burn rates fast and slow for both, and what the service says itself"
  }
}

run "connector" {
  command = plan
  variables {
    egress = "connector"
  }
  assert {
    condition     = google_vpc_access_connector.this[0].name == "redis-connector" && length(google_cloud_run_v2_service.this.template[0].vpc_access[0].network_interfaces) == 0
    error_message = "the connector takes the place of direct egress"
  }
}

run "redis_cluster" {
  command = plan
  variables {
    store = "redis-cluster"
  }
  override_resource {
    target = google_redis_cluster.this
    values = { discovery_endpoints = [{ address = "10.0.0.4", port = 6379, psc_config = [] }] }
  }
  assert {
    condition     = google_redis_cluster.this[0].authorization_mode == "AUTH_MODE_IAM_AUTH" && length(google_redis_instance.this) == 0
    error_message = "Redis Cluster, by the service account's own token"
  }
  assert {
    condition     = local.environment["REDIS_AUTH"] == "google-iam" && !contains(keys(local.environment), "REDIS_PASSWORD_FILE")
    error_message = "no password"
  }
  assert {
    condition     = contains(keys(google_project_iam_member.agent), "roles/redis.dbConnectionUser")
    error_message = "the role to connect"
  }
}

run "valkey" {
  command = plan
  variables {
    store = "valkey"
  }
  override_resource {
    target = google_memorystore_instance.this
    values = { endpoints = [{ connections = [{ psc_auto_connection = [{ ip_address = "10.0.0.5" }] }] }] }
  }
  assert {
    condition     = google_memorystore_instance.this[0].mode == "CLUSTER_DISABLED" && google_memorystore_instance.this[0].transit_encryption_mode == "SERVER_AUTHENTICATION"
    error_message = "Valkey without slots, over TLS"
  }
  assert {
    condition     = contains(keys(google_project_iam_member.agent), "roles/memorystore.dbConnectionUser") && google_network_connectivity_service_connection_policy.this[0].service_class == "gcp-memorystore"
    error_message = "the role and the way to connect"
  }
}

run "an_image_by_tag_is_refused" {
  command = plan
  variables {
    image = "us-central1-docker.pkg.dev/project/redis-caching-agent/agent:latest"
  }
  expect_failures = [var.image]
}

run "it_can_be_applied" {
  command = apply
  variables {
    self_url             = "https://cache.example.com"
    factory_platform_url = "https://platform.example.com"
    repository           = { owner = "owner", name = "name" }
  }
  assert {
    condition     = output.url == "https://cache.example.com" && output.redis_host == "10.0.0.3"
    error_message = "what the next step needs is printed"
  }
  assert {
    condition     = google_cloudbuild_trigger.this[0].filename == "cloudbuild.yaml" && length(google_monitoring_uptime_check_config.this) == 1
    error_message = "trigger and uptime check"
  }
}
