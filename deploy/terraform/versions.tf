terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source = "hashicorp/google"
      # What the tests check against is the schema of 6.50.0; the lock file names the version that is used.
      version = ">= 6.50.0, < 7.0.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
  # Some APIs (budgets) take a person's credentials only with a project to count the call for.
  user_project_override = true
  billing_project       = var.project
}
