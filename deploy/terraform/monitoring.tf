# Nothing is watched before there is a service.
locals {
  deployed      = var.image == null ? 0 : 1
  checks_uptime = var.image != null && var.self_url != "" && var.ingress == "INGRESS_TRAFFIC_ALL"
  channels      = concat(google_monitoring_notification_channel.mail[*].name, var.notification_channels)
}

resource "google_monitoring_notification_channel" "mail" {
  count        = var.alert_email == null ? 0 : 1
  display_name = "${var.name}: ${var.alert_email}"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.this]
}

# Objectives: 99.9 % of requests do not fail, 99 % of requests take less than 50 ms as Cloud Run sees them (network to the instance included).
resource "google_monitoring_service" "this" {
  count        = local.deployed
  service_id   = var.name
  display_name = "Redis Caching Layer Agent"
  basic_service {
    service_type = "CLOUD_RUN"
    service_labels = {
      service_name = google_cloud_run_v2_service.this[0].name
      location     = var.region
    }
  }
  depends_on = [google_project_service.this]
}

locals {
  of_service = "resource.type=\"cloud_run_revision\" resource.label.service_name=\"${var.name}\""
  of_redis   = "resource.type=\"redis_instance\" resource.label.instance_id=monitoring.regex.full_match(\".*/${var.name}\")"
  # The busiest master: of a cluster or of Valkey.
  busiest_node = (
    var.store == "redis-cluster"
    ? "metric.type=\"redis.googleapis.com/cluster/cpu/maximum_utilization\" metric.label.role=\"primary\" resource.type=\"redis.googleapis.com/Cluster\" resource.label.cluster_id=monitoring.regex.full_match(\"(.*/)?${var.name}\")"
    : "metric.type=\"memorystore.googleapis.com/instance/cpu/maximum_utilization\" metric.label.role=\"primary\" resource.type=\"memorystore.googleapis.com/Instance\" resource.label.instance_id=monitoring.regex.full_match(\"(.*/)?${var.name}\")"
  )
}

resource "google_monitoring_slo" "availability" {
  count               = local.deployed
  service             = google_monitoring_service.this[0].service_id
  slo_id              = "availability"
  display_name        = "99.9 % of requests do not fail"
  goal                = 0.999
  rolling_period_days = 28
  request_based_sli {
    good_total_ratio {
      # 429 is Cloud Run's own if it has no instance for a request: https://cloud.google.com/run/docs/troubleshooting#429
      # (The service answers so too if RATE_LIMIT_PER_SECOND bounds a key; its metrics tell them apart.)
      bad_service_filter   = "metric.type=\"run.googleapis.com/request_count\" ${local.of_service} metric.label.response_code=monitoring.regex.full_match(\"5..|429\")"
      total_service_filter = "metric.type=\"run.googleapis.com/request_count\" ${local.of_service}"
    }
  }
}

resource "google_monitoring_slo" "latency" {
  count               = local.deployed
  service             = google_monitoring_service.this[0].service_id
  slo_id              = "latency"
  display_name        = "99 % of requests take less than 50 ms"
  goal                = 0.99
  rolling_period_days = 28
  request_based_sli {
    distribution_cut {
      distribution_filter = "metric.type=\"run.googleapis.com/request_latencies\" ${local.of_service}"
      range {
        max = 50
      }
    }
  }
}

locals {
  # How fast the budget of the objective burns (https://sre.google/workbook/alerting-on-slos): both windows must agree.
  burn_rates = {
    fast = { threshold = 14.4, long = "3600s", short = "300s" }
    slow = { threshold = 6, long = "21600s", short = "1800s" }
  }
  burns = {
    for pair in setproduct(local.deployed == 1 ? ["availability", "latency"] : [], ["fast", "slow"]) : "${pair[0]}-${pair[1]}" => {
      slo  = pair[0] == "availability" ? google_monitoring_slo.availability[0].name : google_monitoring_slo.latency[0].name
      what = pair[0] == "availability" ? "Requests fail" : "Requests are slow"
      rate = local.burn_rates[pair[1]]
    }
  }
  # Thresholds of what Google measures. `runbook` is a heading of docs/operations.md.
  thresholds = {
    redis-memory = {
      # Of the system, not of maxmemory: a cache with an LFU policy is always full to maxmemory. Google's advice is to act above 0.8:
      # https://cloud.google.com/memorystore/docs/redis/memory-management-best-practices
      what     = "Redis is short of memory", runbook = "redis-is-short-of-memory", above = true, value = 0.8, duration = "600s"
      filter   = "metric.type=\"redis.googleapis.com/stats/memory/system_memory_usage_ratio\" ${local.of_redis}"
      aligner  = "ALIGN_MEAN"
      reducer  = "REDUCE_MAX"
      for_type = "redis"
    }
    redis-restart = {
      what     = "Redis was restarted or failed over", runbook = "redis-is-away", above = false, value = 300, duration = "0s"
      filter   = "metric.type=\"redis.googleapis.com/server/uptime\" ${local.of_redis}"
      aligner  = "ALIGN_MIN"
      reducer  = "REDUCE_MIN"
      for_type = "redis"
    }
    redis-cpu = {
      what     = "A node of Redis is busy", runbook = "a-node-of-redis-is-busy", above = true, value = 0.8, duration = "600s"
      filter   = local.busiest_node
      aligner  = "ALIGN_MEAN"
      reducer  = "REDUCE_MAX"
      for_type = local.has_endpoints ? var.store : "none"
    }
    instances = {
      what     = "All instances are in use", runbook = "all-instances-are-in-use", above = true, value = var.maximum_instances - 0.5, duration = "900s"
      filter   = "metric.type=\"run.googleapis.com/container/instance_count\" ${local.of_service} metric.label.state=\"active\""
      aligner  = "ALIGN_MAX"
      reducer  = "REDUCE_SUM"
      for_type = "any"
    }
    memory = {
      what     = "An instance is short of memory", runbook = "an-instance-is-short-of-memory", above = true, value = 0.85, duration = "600s"
      filter   = "metric.type=\"run.googleapis.com/container/memory/utilizations\" ${local.of_service}"
      aligner  = "ALIGN_PERCENTILE_99"
      reducer  = "REDUCE_MAX"
      for_type = "any"
    }
  }
  # What the service itself counts, through Managed Prometheus: the alerts of deploy/monitoring that Google's own metrics cannot replace. The collector
  # puts the name of the service into the label `namespace`, which keeps another one in the project (staging) from hiding or triggering them.
  promql = {
    redis-away = {
      what  = "Memory stands in for Redis", runbook = "redis-is-away", duration = "120s"
      query = "min(cacheagent_redis_connected{namespace=\"${var.name}\"}) == 0"
    }
    journal = {
      what = "The journal is nearly full", runbook = "the-journal-is-nearly-full", duration = "60s"
      query = join(" or ", [
        for unit in ["keys", "bytes"] :
        "max(cacheagent_journal_${unit}{namespace=\"${var.name}\"} / cacheagent_journal_max_${unit}{namespace=\"${var.name}\"}) > 0.8"
      ])
    }
    copies = {
      what  = "Copies are not current", runbook = "copies-are-not-current", duration = "600s"
      query = "max(cacheagent_near_coherence{mode=\"off\",namespace=\"${var.name}\"}) == 1 and min(cacheagent_redis_connected{namespace=\"${var.name}\"}) == 1"
    }
    registration = {
      what  = "The platform refuses the registration", runbook = "the-platform-refuses-the-registration", duration = "600s"
      query = "max(cacheagent_factory_registration_state{state=\"refused\",namespace=\"${var.name}\"}) == 1"
    }
    metrics = {
      what  = "Metrics are missing", runbook = "metrics-are-missing", duration = "300s"
      query = "absent(cacheagent_build_info{namespace=\"${var.name}\"})"
    }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each              = local.burns
  display_name          = "${var.name}: ${each.value.what} (${each.key})"
  combiner              = "AND"
  severity              = endswith(each.key, "fast") ? "CRITICAL" : "WARNING"
  notification_channels = local.channels
  dynamic "conditions" {
    for_each = [each.value.rate.long, each.value.rate.short]
    content {
      display_name = "burns ${each.value.rate.threshold} times too fast over ${conditions.value}"
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${each.value.slo}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.rate.threshold
        duration        = "0s"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "docs/operations.md#${startswith(each.key, "availability") ? "requests-fail" : "operations-are-slow"}"
  }
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each              = { for name, alert in local.thresholds : name => alert if local.deployed == 1 && (alert.for_type == "any" || alert.for_type == var.store) }
  display_name          = "${var.name}: ${each.value.what}"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  conditions {
    display_name = each.value.what
    condition_threshold {
      filter          = each.value.filter
      comparison      = each.value.above ? "COMPARISON_GT" : "COMPARISON_LT"
      threshold_value = each.value.value
      duration        = each.value.duration
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "docs/operations.md#${each.value.runbook}"
  }
}

resource "google_monitoring_alert_policy" "promql" {
  for_each              = var.managed_prometheus && local.deployed == 1 ? local.promql : {}
  display_name          = "${var.name}: ${each.value.what}"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  conditions {
    display_name = each.value.what
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = each.value.duration
      evaluation_interval = "30s"
      # The metrics exist when the first instance has been scraped, which is after this: Google refuses the policy otherwise
      # (https://github.com/hashicorp/terraform-provider-google/issues/20491).
      disable_metric_validation = true
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "docs/operations.md#${each.value.runbook}"
  }
}

# What the server fills in by itself is left out of the comparison by the provider (monitoringDashboardDiffSuppress), so an edit of the file arrives.
resource "google_monitoring_dashboard" "this" {
  dashboard_json = file("${path.module}/../monitoring/cloud-monitoring-dashboard.json")
  depends_on     = [google_project_service.this]
}

resource "google_monitoring_uptime_check_config" "this" {
  count        = local.checks_uptime ? 1 : 0
  display_name = "${var.name} answers"
  period       = "60s"
  timeout      = "10s"
  http_check {
    path         = "/health"
    port         = 443
    use_ssl      = true
    validate_ssl = true
    accepted_response_status_codes {
      status_class = "STATUS_CLASS_2XX"
    }
    # Whom Cloud Run lets in is decided in run.tf.
    dynamic "service_agent_authentication" {
      for_each = local.is_private ? [1] : []
      content {
        type = "OIDC_TOKEN"
      }
    }
  }
  content_matchers {
    content = "\"status\":\""
    matcher = "CONTAINS_STRING"
  }
  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = trimprefix(var.self_url, "https://") }
  }
}

resource "google_monitoring_alert_policy" "uptime" {
  count                 = length(google_monitoring_uptime_check_config.this)
  display_name          = "${var.name}: Does not answer"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels
  conditions {
    display_name = "Does not answer from two places"
    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" resource.type=\"uptime_url\" metric.label.check_id=\"${google_monitoring_uptime_check_config.this[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "60s"
      aggregations {
        alignment_period     = "120s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "docs/operations.md#the-service-does-not-answer"
  }
}

# The project's log, of which the service's is a part. 30 days are free.
resource "google_logging_project_bucket_config" "this" {
  project        = var.project
  location       = "global"
  bucket_id      = "_Default"
  retention_days = var.log_retention_days
  depends_on     = [google_project_service.this]
}

resource "google_billing_budget" "this" {
  count           = var.budget == null ? 0 : 1
  billing_account = var.budget.billing_account
  display_name    = var.name
  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }
  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = tostring(var.budget.amount)
    }
  }
  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }
  dynamic "all_updates_rule" {
    for_each = var.alert_email == null ? [] : [1]
    content {
      monitoring_notification_channels = google_monitoring_notification_channel.mail[*].id
    }
  }
  depends_on = [google_project_service.this]
}
