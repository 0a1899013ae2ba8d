# Against a provider that invents what Google would answer: `scripts/check-terraform` runs this offline. What Google refuses, and what happens to a
# service after the pipeline changed it, is in Tests/Deploy.
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
    condition     = google_cloud_run_v2_service.this[0].scaling[0].min_instance_count == 1
    error_message = "one instance at least"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].scaling[0].max_instance_count == 10
    error_message = "ten instances at most"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].resources[0].limits["cpu"] == "2" && google_cloud_run_v2_service.this[0].template[0].containers[0].resources[0].limits["memory"] == "2Gi"
    error_message = "2 vCPU and 2 GiB"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].resources[0].cpu_idle == false && google_cloud_run_v2_service.this[0].template[0].containers[0].resources[0].startup_cpu_boost
    error_message = "CPU is always allocated, and more of it at the start"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].execution_environment == "EXECUTION_ENVIRONMENT_GEN2"
    error_message = "second generation"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].startup_probe[0].http_get[0].path == "/health/startup" && google_cloud_run_v2_service.this[0].template[0].containers[0].liveness_probe[0].http_get[0].path == "/health/live"
    error_message = "probes ask for the process alone"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].vpc_access[0].egress == "PRIVATE_RANGES_ONLY" && google_cloud_run_v2_service.this[0].template[0].vpc_access[0].network_interfaces[0].subnetwork == "redis-caching-agent"
    error_message = "direct egress into the private network"
  }
  assert {
    condition     = length(google_cloud_run_v2_service.this[0].template[0].containers) == 2
    error_message = "the agent and the collector"
  }
}

run "http2_and_probes_on_one_port" {
  command = plan
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].ports[0].name == "h2c"
    error_message = "HTTP/2 to the container"
  }
  assert {
    condition     = local.environment["HTTP2_MAX_ABUSE"] == "1000000" && local.environment["HTTP2_MAX_STREAMS"] == tostring(google_cloud_run_v2_service.this[0].template[0].max_instance_request_concurrency)
    error_message = "the front end shares a connection among clients"
  }
  assert {
    condition     = alltrue([for probe in [google_cloud_run_v2_service.this[0].template[0].containers[0].startup_probe[0], google_cloud_run_v2_service.this[0].template[0].containers[0].liveness_probe[0]] : probe.http_get[0].port == google_cloud_run_v2_service.this[0].template[0].containers[0].ports[0].container_port])
    error_message = "probes at the port that serves"
  }
}

run "http1" {
  command = plan
  variables {
    protocol = "http1"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].ports[0].name == "http1"
    error_message = "as it was before HTTP/2"
  }
  assert {
    condition     = !contains(keys(local.environment), "HTTP2_MAX_ABUSE")
    error_message = "no HTTP/2, no bounds of it"
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
    condition     = google_compute_network.this[0].auto_create_subnetworks == false
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
    condition     = alltrue([for volume in google_cloud_run_v2_service.this[0].template[0].volumes : length(volume.secret) == 1])
    error_message = "volumes are secrets"
  }
  assert {
    condition     = toset(keys(google_secret_manager_secret.this)) == toset(["api-keys", "collector", "redis-auth", "redis-ca", "smoke-key"])
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
    condition     = toset(keys(google_project_iam_member.build)) == toset(["roles/logging.logWriter"]) && toset(keys(google_project_iam_member.check)) == toset(["roles/logging.logWriter"])
    error_message = "builds write their log, no more"
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.check[0].role == "roles/artifactregistry.reader"
    error_message = "a pull request cannot push"
  }
  assert {
    condition     = toset(keys(google_project_iam_member.deploy)) == toset(["roles/logging.logWriter", "roles/monitoring.viewer", "roles/ondemandscanning.admin", "roles/cloudbuild.builds.viewer", "roles/run.viewer"])
    error_message = "a rollout reads the project, and changes the service alone"
  }
}

run "objectives" {
  command = plan
  assert {
    condition     = google_monitoring_slo.availability[0].goal == 0.999 && google_monitoring_slo.latency[0].goal == 0.99
    error_message = "99.9 % do not fail, 99 % are fast"
  }
  assert {
    condition     = google_monitoring_slo.latency[0].request_based_sli[0].distribution_cut[0].range[0].max == 50
    error_message = "fast is 50 ms"
  }
  assert {
    condition     = length(google_monitoring_alert_policy.burn) == 4 && length(google_monitoring_alert_policy.promql) == 5
    error_message = "burn rates fast and slow for both, and what the service says itself"
  }
}

run "connector" {
  command = plan
  variables {
    egress = "connector"
  }
  assert {
    condition     = google_vpc_access_connector.this[0].name == "redis-connector" && length(google_cloud_run_v2_service.this[0].template[0].vpc_access[0].network_interfaces) == 0
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
    condition     = google_redis_cluster.this[0].shard_count == 3 && google_redis_cluster.this[0].replica_count == 1 && google_redis_cluster.this[0].node_type == "REDIS_STANDARD_SMALL" && length(google_redis_instance.this) == 0
    error_message = "three shards, each with a replica"
  }
  assert {
    condition     = google_redis_cluster.this[0].authorization_mode == "AUTH_MODE_IAM_AUTH" && google_redis_cluster.this[0].transit_encryption_mode == "TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION"
    error_message = "the service account's own token, over TLS"
  }
  assert {
    condition     = google_redis_cluster.this[0].redis_configs["maxmemory-policy"] == "allkeys-lfu" && google_redis_cluster.this[0].persistence_config[0].mode == "DISABLED"
    error_message = "every key may be evicted, and none is on a disk"
  }
  assert {
    condition     = google_redis_cluster.this[0].deletion_protection_enabled && google_redis_cluster.this[0].maintenance_policy[0].weekly_maintenance_window[0].day == "SUNDAY"
    error_message = "it stays, and maintenance has a window"
  }
  assert {
    condition     = local.environment["REDIS_AUTH"] == "google-iam" && !contains(keys(local.environment), "REDIS_PASSWORD_FILE") && !contains(keys(local.secrets), "redis-auth")
    error_message = "no password"
  }
  assert {
    condition     = !contains(keys(local.environment), "REDIS_CLUSTER_MAX_SHARDS")
    error_message = "three shards are within the bound"
  }
  assert {
    condition     = local.environment["REDIS_TLS"] == "on" && local.environment["REDIS_TLS_VERIFY"] == "full" && local.environment["REDIS_TLS_CA_FILE"] == "/secrets/redis-ca/ca.pem"
    error_message = "its own authority, and its own name"
  }
  assert {
    condition     = local.environment["REDIS_PORT"] == "6379" && local.environment["REDIS_DB"] == "0"
    error_message = "the discovery endpoint's port, and the only database"
  }
  assert {
    condition     = contains(keys(google_project_iam_member.agent), "roles/redis.dbConnectionUser")
    error_message = "the role to connect"
  }
  assert {
    condition     = google_network_connectivity_service_connection_policy.this[0].service_class == "gcp-memorystore-redis" && length(google_service_networking_connection.services) == 0
    error_message = "by Private Service Connect"
  }
  assert {
    condition     = google_compute_firewall.endpoints[0].direction == "EGRESS" && tolist(one(google_compute_firewall.endpoints[0].allow).ports) == tolist(["6379", "11000-13047"])
    error_message = "the discovery endpoint's port and the nodes'"
  }
  assert {
    condition     = toset(google_compute_firewall.endpoints[0].destination_ranges) == toset([google_compute_subnetwork.endpoints[0].ip_cidr_range]) && google_compute_firewall.endpoints[0].priority < 1000
    error_message = "to the endpoints alone, and before a rule that denies the rest"
  }
  assert {
    condition     = toset(google_compute_firewall.endpoints[0].target_tags) == toset(google_cloud_run_v2_service.this[0].template[0].vpc_access[0].network_interfaces[0].tags)
    error_message = "from the service alone"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.threshold["redis-cpu"].conditions[0].condition_threshold[0].filter, "redis.googleapis.com/cluster/cpu") && !contains(keys(google_monitoring_alert_policy.threshold), "redis-memory")
    error_message = "a busy node is an alarm, of the metrics that there are"
  }
  assert {
    condition     = output.redis_nodes == 6 && output.redis_connections == 60
    error_message = "nodes, and connections to one of them"
  }
}

run "valkey" {
  command = plan
  variables {
    store              = "valkey"
    shards             = 125
    node_type          = "highmem-medium"
    egress             = "connector"
    existing_connector = "shared"
  }
  override_resource {
    target = google_memorystore_instance.this
    values = { endpoints = [{ connections = [
      { psc_auto_connection = [{ ip_address = "10.0.0.6", connection_type = "" }] },
      { psc_auto_connection = [{ ip_address = "10.0.0.5", connection_type = "CONNECTION_TYPE_DISCOVERY" }] },
    ] }] }
  }
  assert {
    condition     = google_memorystore_instance.this[0].mode == "CLUSTER" && google_memorystore_instance.this[0].shard_count == 125 && google_memorystore_instance.this[0].replica_count == 1
    error_message = "the most shards that a cluster with replicas has"
  }
  assert {
    condition     = google_memorystore_instance.this[0].node_type == "HIGHMEM_MEDIUM" && google_memorystore_instance.this[0].engine_configs["maxmemory-policy"] == "allkeys-lfu"
    error_message = "of the size that was asked for; every key may be evicted"
  }
  assert {
    condition     = google_memorystore_instance.this[0].authorization_mode == "IAM_AUTH" && google_memorystore_instance.this[0].transit_encryption_mode == "SERVER_AUTHENTICATION"
    error_message = "the service account's own token, over TLS"
  }
  assert {
    condition     = contains(keys(google_project_iam_member.agent), "roles/memorystore.dbConnectionUser") && google_network_connectivity_service_connection_policy.this[0].service_class == "gcp-memorystore"
    error_message = "the role and the way to connect"
  }
  assert {
    condition     = toset(google_compute_firewall.endpoints[0].target_tags) == toset(["vpc-connector-us-central1-shared"]) && tolist(one(google_compute_firewall.endpoints[0].allow).ports) == tolist(["6379", "11000-13047"])
    error_message = "the connector's instances reach the nodes"
  }
}

run "as_many_shards_as_there_are" {
  command = plan
  variables {
    store              = "valkey"
    shards             = 250
    replicas_per_shard = 0
  }
  override_resource {
    target = google_memorystore_instance.this
    values = { endpoints = [] }
  }
  assert {
    condition     = local.environment["REDIS_CLUSTER_MAX_SHARDS"] == "250"
    error_message = "memory would answer for the others"
  }
}

run "valkey_without_slots" {
  command = plan
  variables {
    store  = "valkey-single"
    shards = 5
  }
  override_resource {
    target = google_memorystore_instance.this
    values = { endpoints = [{ connections = [
      { psc_auto_connection = [{ ip_address = "10.0.0.6", connection_type = "CONNECTION_TYPE_READER" }] },
      { psc_auto_connection = [{ ip_address = "10.0.0.5", connection_type = "CONNECTION_TYPE_PRIMARY" }] },
    ] }] }
  }
  assert {
    condition     = google_memorystore_instance.this[0].mode == "CLUSTER_DISABLED" && google_memorystore_instance.this[0].shard_count == 1
    error_message = "one server and its replica"
  }
  assert {
    condition     = tolist(one(google_compute_firewall.endpoints[0].allow).ports) == tolist(["6379"]) && output.redis_nodes == 2
    error_message = "one port"
  }
}

run "a_cluster_in_an_existing_network" {
  command = plan
  variables {
    store            = "redis-cluster"
    existing_network = { network = "shared", subnetwork = "run", endpoints = "10.9.0.0/28" }
  }
  assert {
    condition     = length(google_network_connectivity_service_connection_policy.this) + length(google_compute_subnetwork.endpoints) + length(google_compute_network.this) == 0
    error_message = "a network has one policy for a class in a region"
  }
  assert {
    condition     = toset(google_compute_firewall.endpoints[0].destination_ranges) == toset(["10.9.0.0/28"]) && google_redis_cluster.this[0].psc_configs[0].network == "projects/project/global/networks/shared"
    error_message = "where the policy's addresses are"
  }
}

run "an_existing_cluster" {
  command = plan
  variables {
    store            = "existing"
    existing_redis   = { host = "10.0.0.2", seeds = ["10.0.0.3", "redis.example.com:6380", "[fd00::1]:6379"], tls = true, password = true }
    existing_network = { network = "default", subnetwork = "run" }
  }
  assert {
    condition     = local.environment["REDIS_URL"] == "rediss://10.0.0.2:6379,10.0.0.3,redis.example.com:6380,[fd00::1]:6379"
    error_message = "every seed, over TLS, and no password"
  }
  assert {
    condition     = length(setintersection(keys(local.environment), ["REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_TLS"])) == 0
    error_message = "one way to say it"
  }
  assert {
    condition     = local.environment["REDIS_PASSWORD_FILE"] == "/secrets/redis-auth/password" && local.environment["REDIS_TLS_CA_FILE"] == "/secrets/redis-ca/ca.pem"
    error_message = "password and authority are secrets"
  }
  assert {
    condition     = length(google_compute_firewall.endpoints) == 0
    error_message = "whose network it is must let it in"
  }
}

run "a_seed_with_a_password_is_refused" {
  command = plan
  variables {
    store          = "existing"
    existing_redis = { host = "10.0.0.2", seeds = ["user:secret@10.0.0.3:6379"] }
  }
  expect_failures = [var.existing_redis]
}

run "a_cluster_has_one_database" {
  command = plan
  variables {
    store          = "existing"
    existing_redis = { host = "10.0.0.2", seeds = ["10.0.0.3"], database = 2 }
  }
  expect_failures = [var.existing_redis]
}

run "replicas_count_as_nodes" {
  command = plan
  variables {
    store  = "redis-cluster"
    shards = 126
  }
  expect_failures = [var.shards]
}

run "an_unknown_protocol_is_refused" {
  command = plan
  variables {
    protocol = "http2"
  }
  expect_failures = [var.protocol]
}

run "an_image_by_tag_is_refused" {
  command = plan
  variables {
    image = "us-central1-docker.pkg.dev/project/redis-caching-agent/agent:latest"
  }
  expect_failures = [var.image]
}


# The first apply of an empty project: everything that the first build, the secrets and the first revision stand on, and no service yet.
run "before_the_first_image" {
  command = plan
  variables {
    image      = null
    repository = { owner = "owner", name = "name" }
  }
  assert {
    condition     = length(google_cloud_run_v2_service.this) == 0 && length(google_monitoring_slo.availability) == 0 && length(google_monitoring_alert_policy.burn) == 0
    error_message = "nothing that needs the service"
  }
  assert {
    condition     = length(google_redis_instance.this) == 1 && length(google_artifact_registry_repository.this) == 1 && length(google_cloudbuild_trigger.build) == 1
    error_message = "Redis, the registry and the trigger that builds"
  }
  assert {
    condition     = length(google_cloudbuild_trigger.rollout) == 0
    error_message = "no rollout to a service that is not there"
  }
}

run "it_is_public_without_a_policy" {
  command = plan
  assert {
    condition     = google_cloud_run_v2_service.this[0].invoker_iam_disabled && length(google_cloud_run_v2_service_iam_member.invoker) == 0
    error_message = "allUsers fails where domain-restricted sharing is on"
  }
}

run "all_users_are_refused" {
  command = plan
  variables {
    invokers = ["allUsers"]
  }
  expect_failures = [var.invokers]
}

run "a_private_service_is_still_checked" {
  command = plan
  variables {
    invokers = ["serviceAccount:backend@project.iam.gserviceaccount.com"]
    self_url = "https://cache.example.com"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].invoker_iam_disabled == false
    error_message = "Cloud Run asks who comes"
  }
  assert {
    condition     = google_monitoring_uptime_check_config.this[0].http_check[0].service_agent_authentication[0].type == "OIDC_TOKEN"
    error_message = "the uptime check shows a token"
  }
  assert {
    condition     = length([for member in values(google_cloud_run_v2_service_iam_member.invoker)[*].member : member if strcontains(member, "gcp-sa-monitoring-notification")]) == 1
    error_message = "Monitoring's agent is let in"
  }
  assert {
    condition     = contains(keys(google_cloud_run_v2_service_iam_member.deploy), "roles/run.invoker")
    error_message = "so is the smoke test"
  }
}

# The Redis, the network and the connector of the service that this one takes the place of.
run "existing_redis" {
  command = plan
  variables {
    store              = "existing"
    existing_redis     = { host = "10.1.2.3", database = 2 }
    egress             = "connector"
    existing_connector = "redis-connector"
    api_keys           = false
  }
  assert {
    condition     = length(google_redis_instance.this) + length(google_redis_cluster.this) + length(google_memorystore_instance.this) == 0
    error_message = "no Redis is made"
  }
  assert {
    condition     = length(google_compute_network.this) + length(google_compute_subnetwork.run) + length(google_vpc_access_connector.this) == 0
    error_message = "no network is made"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].vpc_access[0].connector == "projects/project/locations/us-central1/connectors/redis-connector"
    error_message = "the connector that is there"
  }
  assert {
    condition     = !contains(keys(local.environment), "REDIS_URL")
    error_message = "one server needs no list"
  }
  assert {
    condition     = local.environment["REDIS_HOST"] == "10.1.2.3" && local.environment["REDIS_DB"] == "2" && local.environment["REDIS_TLS"] == "off" && local.environment["REQUIRE_AUTH"] == "false"
    error_message = "address, database, no TLS, no keys"
  }
  assert {
    condition     = !contains(keys(local.environment), "REDIS_PASSWORD_FILE") && length(local.mounts) == 0
    error_message = "no secret that nobody fills"
  }
  assert {
    condition     = length([for name, alert in google_monitoring_alert_policy.threshold : name if startswith(name, "redis")]) == 0
    error_message = "the other Redis has alerts of its own"
  }
}

run "existing_redis_with_password_and_tls" {
  command = plan
  variables {
    store            = "existing"
    existing_redis   = { host = "10.1.2.3", port = 6378, tls = true, password = true }
    existing_network = { network = "default", subnetwork = "run" }
  }
  assert {
    condition     = local.environment["REDIS_TLS"] == "on" && local.environment["REDIS_PASSWORD_FILE"] == "/secrets/redis-auth/password" && local.mounts["redis-ca"] == "ca.pem"
    error_message = "password and authority are secrets"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].vpc_access[0].network_interfaces[0].network == "default" && google_cloud_run_v2_service.this[0].template[0].vpc_access[0].network_interfaces[0].subnetwork == "run"
    error_message = "direct egress into the network that is there"
  }
}

run "redis_in_an_existing_network" {
  command = plan
  variables {
    existing_network = { network = "shared", subnetwork = "run", private_services = true }
  }
  assert {
    condition     = length(google_service_networking_connection.services) == 0
    error_message = "a network has private services access once"
  }
  assert {
    condition     = google_redis_instance.this[0].authorized_network == "projects/project/global/networks/shared" && length(google_compute_network.this) == 0
    error_message = "Redis in the network that is there"
  }
}

run "the_store_and_its_description_belong_together" {
  command = plan
  variables {
    store = "existing"
  }
  expect_failures = [var.store]
}

run "monitoring" {
  command = plan
  variables {
    alert_email = "people@example.com"
    budget      = { billing_account = "000000-000000-000000", amount = 500 }
  }
  assert {
    condition     = alltrue([for policy in google_monitoring_alert_policy.promql : policy.conditions[0].condition_prometheus_query_language[0].disable_metric_validation])
    error_message = "a policy on metrics that do not exist yet is refused otherwise"
  }
  assert {
    condition     = strcontains(google_monitoring_slo.availability[0].request_based_sli[0].good_total_ratio[0].bad_service_filter, "5..|429")
    error_message = "a request without an instance failed"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.threshold["redis-memory"].conditions[0].condition_threshold[0].filter, "system_memory_usage_ratio")
    error_message = "a full cache is no alarm"
  }
  assert {
    condition     = length(google_monitoring_notification_channel.mail) == 1 && length(google_billing_budget.this) == 1 && google_logging_project_bucket_config.this.retention_days == 30
    error_message = "somebody is alerted, money is watched, the log ends"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[1].resources[0].limits["cpu"] == "0.2" && google_cloud_run_v2_service.this[0].template[0].containers[1].resources[0].limits["memory"] == "256Mi"
    error_message = "the collector has limits"
  }
}

run "images_can_be_cleaned_up" {
  command = plan
  assert {
    condition     = google_artifact_registry_repository.this[0].docker_config[0].immutable_tags == false
    error_message = "immutable tags keep tagged images for ever"
  }
}

# Production takes the image that staging built, and someone agrees first.
run "production_after_staging" {
  command = plan
  variables {
    repository           = { owner = "owner", name = "name" }
    image_source         = { project = "staging", repository = "redis-caching-agent" }
    rollout              = "approval"
    binary_authorization = true
  }
  assert {
    condition     = length(google_cloudbuild_trigger.build) == 0 && length(google_cloudbuild_trigger.check) == 0 && length(google_artifact_registry_repository.this) == 0
    error_message = "nothing is built here"
  }
  assert {
    condition     = google_cloudbuild_trigger.rollout[0].approval_config[0].approval_required && google_cloudbuild_trigger.rollout[0].pubsub_config[0].topic == "projects/staging/topics/gcr"
    error_message = "what staging pushed, after an approval"
  }
  assert {
    condition     = google_pubsub_topic_iam_member.pushes[0].project == "staging" && google_artifact_registry_repository_iam_member.run[0].project == "staging"
    error_message = "production may hear of staging's images, and run them"
  }
  assert {
    condition     = strcontains(google_cloudbuild_trigger.rollout[0].filter, "us-central1-docker.pkg.dev/staging/redis-caching-agent/agent@")
    error_message = "the service's image alone"
  }
  assert {
    condition     = google_binary_authorization_policy.this[0].default_admission_rule[0].require_attestations_by == toset(["projects/staging/attestors/built-by-cloud-build"]) || contains(google_binary_authorization_policy.this[0].default_admission_rule[0].require_attestations_by, "projects/staging/attestors/built-by-cloud-build")
    error_message = "signed by staging's Cloud Build"
  }
}

run "it_can_be_applied" {
  command = apply
  variables {
    # Memorystore for Redis refuses to be destroyed, which is what a test ends with.
    store                = "existing"
    existing_redis       = { host = "10.0.0.3" }
    self_url             = "https://cache.example.com"
    factory_platform_url = "https://platform.example.com"
    repository           = { owner = "owner", name = "name" }
  }
  assert {
    condition     = output.url == "https://cache.example.com" && output.redis_host == "10.0.0.3"
    error_message = "what the next step needs is printed"
  }
  assert {
    condition     = google_cloudbuild_trigger.build[0].filename == "cloudbuild.yaml" && length(google_monitoring_uptime_check_config.this) == 1
    error_message = "trigger and uptime check"
  }
}

# The pipeline deployed another image since: Terraform does not bring the old one back, whatever else it changes. Tests/Deploy/test_plan.py has the rest.
run "a_second_apply_after_a_canary" {
  command = plan
  variables {
    store                = "existing"
    existing_redis       = { host = "10.0.0.3", database = 1 }
    self_url             = "https://cache.example.com"
    factory_platform_url = "https://platform.example.com"
    repository           = { owner = "owner", name = "name" }
    image                = "us-central1-docker.pkg.dev/project/redis-caching-agent/agent@sha256:abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].image == "us-central1-docker.pkg.dev/project/redis-caching-agent/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    error_message = "the image is the pipeline's"
  }
  assert {
    condition     = length([for variable in google_cloud_run_v2_service.this[0].template[0].containers[0].env : variable if variable.name == "REDIS_DB" && variable.value == "1"]) == 1
    error_message = "the settings are Terraform's"
  }
}
