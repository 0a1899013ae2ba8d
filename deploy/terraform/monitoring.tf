# Objectives: 99.9 % of requests do not fail, 99 % of requests take less than 50 ms as Cloud Run sees them (network to the instance included).
resource "google_monitoring_service" "this" {
  service_id   = var.name
  display_name = "Redis Caching Layer Agent"
  basic_service {
    service_type = "CLOUD_RUN"
    service_labels = {
      service_name = google_cloud_run_v2_service.this.name
      location     = var.region
    }
  }
  depends_on = [google_project_service.this]
}

locals {
  of_service = "resource.type=\"cloud_run_revision\" resource.label.service_name=\"${var.name}\""
  of_redis   = "resource.type=\"redis_instance\" resource.label.instance_id=monitoring.regex.full_match(\".*/${var.name}\")"
}

resource "google_monitoring_slo" "availability" {
  service             = google_monitoring_service.this.service_id
  slo_id              = "availability"
  display_name        = "99.9 % of requests do not fail"
  goal                = 0.999
  rolling_period_days = 28
  request_based_sli {
    good_total_ratio {
      bad_service_filter   = "metric.type=\"run.googleapis.com/request_count\" ${local.of_service} metric.label.response_code_class=\"5xx\""
      total_service_filter = "metric.type=\"run.googleapis.com/request_count\" ${local.of_service}"
    }
  }
}

resource "google_monitoring_slo" "latency" {
  service             = google_monitoring_service.this.service_id
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
    for pair in setproduct(["availability", "latency"], ["fast", "slow"]) : "${pair[0]}-${pair[1]}" => {
      slo  = pair[0] == "availability" ? google_monitoring_slo.availability.name : google_monitoring_slo.latency.name
      what = pair[0] == "availability" ? "Requests fail" : "Requests are slow"
      rate = local.burn_rates[pair[1]]
    }
  }
  # Thresholds of what Google measures. `runbook` is a heading of docs/operations.md.
  thresholds = {
    redis-memory = {
      what     = "Redis is nearly full", runbook = "redis-is-nearly-full", above = true, value = 0.9, duration = "600s"
      filter   = "metric.type=\"redis.googleapis.com/stats/memory/usage_ratio\" ${local.of_redis}"
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
  notification_channels = var.notification_channels
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
  for_each              = { for name, alert in local.thresholds : name => alert if alert.for_type == "any" || alert.for_type == var.store }
  display_name          = "${var.name}: ${each.value.what}"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
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
  for_each              = var.managed_prometheus ? local.promql : {}
  display_name          = "${var.name}: ${each.value.what}"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  conditions {
    display_name = each.value.what
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = each.value.duration
      evaluation_interval = "30s"
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "docs/operations.md#${each.value.runbook}"
  }
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = file("${path.module}/../monitoring/cloud-monitoring-dashboard.json")
  depends_on     = [google_project_service.this]
  lifecycle {
    # The server adds what it fills in by itself.
    ignore_changes = [dashboard_json]
  }
}

resource "google_monitoring_uptime_check_config" "this" {
  count        = var.self_url != "" && var.ingress == "INGRESS_TRAFFIC_ALL" ? 1 : 0
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
  notification_channels = var.notification_channels
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
