variable "project" {
  type        = string
  description = "Project that everything belongs to."
}

variable "region" {
  type        = string
  default     = "us-central1"
  description = "Region of the service and of Redis."
}

variable "name" {
  type        = string
  default     = "redis-caching-agent"
  description = "Name of the service; everything else is named after it."
}

variable "image" {
  type        = string
  description = "Image of the first revision, by digest. Later ones are the pipeline's: Terraform leaves the image and the traffic alone."
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "The image must be named by digest (…@sha256:…), so that what was tested is what runs."
  }
}

variable "store" {
  type        = string
  default     = "redis"
  description = "Which Memorystore: redis (Standard tier), redis-cluster or valkey."
  validation {
    condition     = contains(["redis", "redis-cluster", "valkey"], var.store)
    error_message = "The store is redis, redis-cluster or valkey."
  }
}

variable "redis_memory_gb" {
  type        = number
  default     = 5
  description = "Size of Memorystore for Redis, in GiB."
  validation {
    condition     = var.redis_memory_gb >= 1 && var.redis_memory_gb <= 300
    error_message = "Memorystore for Redis has 1 to 300 GiB."
  }
}

variable "egress" {
  type        = string
  default     = "direct"
  description = "How the service reaches Redis: direct (VPC egress) or connector (redis-connector)."
  validation {
    condition     = contains(["direct", "connector"], var.egress)
    error_message = "The egress is direct or connector."
  }
}

variable "minimum_instances" {
  type    = number
  default = 1
}

variable "maximum_instances" {
  type    = number
  default = 10
  validation {
    condition     = var.maximum_instances >= var.minimum_instances
    error_message = "There must be at least as many instances at most as at least."
  }
}

variable "ingress" {
  type        = string
  default     = "INGRESS_TRAFFIC_ALL"
  description = "INGRESS_TRAFFIC_ALL, INGRESS_TRAFFIC_INTERNAL_ONLY or INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER."
}

variable "invokers" {
  type        = list(string)
  default     = ["allUsers"]
  description = "Who may reach the service; API keys decide what they may do there."
}

variable "managed_prometheus" {
  type        = bool
  default     = true
  description = "Collect /metrics with the Managed Prometheus sidecar."
}

variable "collector_image" {
  type    = string
  default = "us-docker.pkg.dev/cloud-ops-agents-artifacts/cloud-run-gmp-sidecar/cloud-run-gmp-sidecar:1.2.0"
}

variable "self_url" {
  type        = string
  default     = ""
  description = "Address of the service, known after the first apply; needed to register with the platform and for the uptime check."
}

variable "factory_platform_url" {
  type        = string
  default     = ""
  description = "The AI Agent Factory platform, where the service registers itself; empty: nowhere."
}

variable "agent_prd_id" {
  type    = string
  default = ""
}

variable "notification_channels" {
  type        = list(string)
  default     = []
  description = "Who is told of alerts: names of monitoring channels."
}

variable "repository" {
  type        = object({ owner = string, name = string, branch = optional(string, "^main$") })
  default     = null
  description = "GitHub repository that Cloud Build builds from; null: no trigger."
}

variable "deletion_protection" {
  type    = bool
  default = true
}
