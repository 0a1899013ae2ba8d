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
  validation {
    # A service account's name has 6 to 30 characters, and the longest here is NAME-build.
    condition     = can(regex("^[a-z][a-z0-9-]{4,22}[a-z0-9]$", var.name))
    error_message = "The name has 6 to 24 small letters, digits and hyphens."
  }
}

variable "image" {
  type        = string
  default     = null
  description = "Image of the first revision, by digest; null: no service yet. Later images and all traffic are the pipeline's."
  validation {
    condition     = var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "The image must be named by digest (…@sha256:…), so that what was tested is what runs."
  }
}

variable "environment" {
  type        = string
  default     = "production"
  description = "What the service calls its environment, in its log and its metrics."
}

variable "store" {
  type        = string
  default     = "redis"
  description = "Which Memorystore to make: redis (Standard tier), redis-cluster, valkey (a cluster) or valkey-single; or existing: none, see existing_redis."
  validation {
    condition     = contains(["redis", "redis-cluster", "valkey", "valkey-single", "existing"], var.store)
    error_message = "The store is redis, redis-cluster, valkey, valkey-single or existing."
  }
  validation {
    condition     = (var.store == "existing") == (var.existing_redis != null)
    error_message = "store = \"existing\" and existing_redis belong together."
  }
}

variable "existing_redis" {
  type = object({
    host     = string
    port     = optional(number, 6379)
    database = optional(number, 0)
    seeds    = optional(list(string), [])
    tls      = optional(bool, false)
    password = optional(bool, false)
  })
  default     = null
  description = "A Redis that is there already. seeds: further nodes of a cluster, each host or host:port. With a password or TLS, the secrets NAME-redis-auth and NAME-redis-ca are to be filled."
  validation {
    condition     = alltrue([for seed in try(var.existing_redis.seeds, []) : can(regex("^([A-Za-z0-9._-]+|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?$", seed))])
    error_message = "A seed is host or host:port, without a scheme and without credentials."
  }
  validation {
    condition     = length(try(var.existing_redis.seeds, [])) == 0 || try(var.existing_redis.database, 0) == 0
    error_message = "A cluster has database 0 alone."
  }
}

variable "shards" {
  type        = number
  default     = 3
  description = "Shards of redis-cluster and valkey. It may be changed while the service runs: Memorystore moves the keys."
  validation {
    # https://cloud.google.com/memorystore/docs/cluster/cluster-node-specification
    condition     = var.shards >= 1 && var.shards == floor(var.shards) && var.shards * (1 + var.replicas_per_shard) <= 250
    error_message = "A cluster has at least one shard, and at most 250 nodes, replicas included."
  }
}

variable "replicas_per_shard" {
  type        = number
  default     = 1
  description = "Replicas of each shard, which take its place when it fails; the service reads from none. 0: a lost node's keys are gone, and memory stands in for them until it is replaced."
  validation {
    condition     = contains([0, 1, 2, 3, 4, 5], var.replicas_per_shard)
    error_message = "A shard has 0 to 5 replicas."
  }
}

variable "node_type" {
  type        = string
  default     = "standard-small"
  description = "Size of each node of redis-cluster, valkey and valkey-single, in GB (and in keys and values): shared-core-nano 1.4 (1.12), standard-small 6.5 (5.2), highmem-medium 13 (10.4), highmem-xlarge 58 (46.4)."
  validation {
    condition     = contains(["shared-core-nano", "standard-small", "highmem-medium", "highmem-xlarge"], var.node_type)
    error_message = "The node type is shared-core-nano, standard-small, highmem-medium or highmem-xlarge."
  }
}

variable "existing_network" {
  type        = object({ network = string, subnetwork = optional(string), private_services = optional(bool, false), endpoints = optional(string) })
  default     = null
  description = "A network that is there already, by name, and for direct egress a subnetwork of /26 or more in the region; null: make one. private_services: it has private services access, of which a network has one. endpoints: it has a service connection policy for the store, of which a network has one in a region, with addresses from this range."
  validation {
    condition     = var.existing_network == null || try(var.existing_network.subnetwork, null) != null || var.egress == "connector"
    error_message = "Direct egress needs the subnetwork of the existing network."
  }
}

variable "existing_connector" {
  type        = string
  default     = null
  description = "A VPC connector that is there already, by its name in the region; null: make one if egress is connector."
  validation {
    condition     = var.existing_connector == null || var.egress == "connector"
    error_message = "existing_connector needs egress = \"connector\"."
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

variable "protocol" {
  type        = string
  default     = "h2c"
  description = "What Cloud Run speaks to the container: h2c (HTTP/2) or http1, with which an instance gets at most 800 requests a second. Clients notice no difference."
  validation {
    condition     = contains(["h2c", "http1"], var.protocol)
    error_message = "The protocol is h2c or http1."
  }
}

variable "ingress" {
  type        = string
  default     = "INGRESS_TRAFFIC_ALL"
  description = "INGRESS_TRAFFIC_ALL, INGRESS_TRAFFIC_INTERNAL_ONLY or INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER."
}

variable "invokers" {
  type        = list(string)
  default     = []
  description = "Who may reach the service; empty: everybody, without Cloud Run's check. API keys decide what they may do there."
  validation {
    # An organization with domain-restricted sharing refuses allUsers in any policy: https://cloud.google.com/run/docs/authenticating/public
    condition     = !contains(var.invokers, "allUsers")
    error_message = "An empty list makes the service public; allUsers is refused by organizations with domain-restricted sharing."
  }
}

variable "api_keys" {
  type        = bool
  default     = true
  description = "Ask for API keys (or Google's ID tokens), and do not start without any. false is for a migration, while clients have none."
}

variable "startup_wait_seconds" {
  type        = number
  default     = 20
  description = "How long an instance waits for Redis before it serves from memory: direct VPC egress may take that long at a start."
  validation {
    condition     = var.startup_wait_seconds >= 0 && var.startup_wait_seconds <= 120
    error_message = "The wait has 0 to 120 seconds; the startup probe allows it twice, within Cloud Run's 240."
  }
}

variable "managed_prometheus" {
  type        = bool
  default     = true
  description = "Collect /metrics with the Managed Prometheus sidecar."
}

variable "collector_image" {
  type    = string
  default = "us-docker.pkg.dev/cloud-ops-agents-artifacts/cloud-run-gmp-sidecar/cloud-run-gmp-sidecar:1.3.0"
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

variable "alert_email" {
  type        = string
  default     = null
  description = "Who receives alerts by mail. Without it and notification_channels, nobody does."
}

variable "notification_channels" {
  type        = list(string)
  default     = []
  description = "Who else receives alerts: names of monitoring channels."
}

variable "log_retention_days" {
  type        = number
  default     = 30
  description = "How long the project's log is kept. More than 30 days cost."
}

variable "budget" {
  type        = object({ billing_account = string, amount = number, currency = optional(string, "USD") })
  default     = null
  description = "Tell the billing administrators and alert_email at 50, 90 and 100 % of this amount a month; null: no budget."
}

variable "repository" {
  type        = object({ owner = string, name = string, branch = optional(string, "main") })
  default     = null
  description = "GitHub repository that Cloud Build builds from; null: no triggers."
}

variable "rollout" {
  type        = string
  default     = "automatic"
  description = "What happens to an image that was built and pushed: automatic, approval (someone must agree) or manual."
  validation {
    condition     = contains(["automatic", "approval", "manual"], var.rollout)
    error_message = "A rollout is automatic, approval or manual."
  }
}

variable "image_source" {
  type        = object({ project = string, repository = string })
  default     = null
  description = "Where images come from if another environment builds them (staging for production); null: this project builds its own."
}

variable "binary_authorization" {
  type        = bool
  default     = false
  description = "Run only images with a provenance that Cloud Build of the building project has signed."
}

variable "deletion_protection" {
  type    = bool
  default = true
}
