# The state has Redis's password in it (auth_string is an attribute that Google computes), so it lives where few can read it, encrypted and with its
# history: deploy/bootstrap makes the bucket. `terraform init -backend-config=bucket=BUCKET`; the prefix tells environments apart.
terraform {
  backend "gcs" {
    prefix = "redis-caching-agent"
  }
}
