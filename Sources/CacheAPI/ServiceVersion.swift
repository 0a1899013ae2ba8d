// A file of its own because deploy/steps/image reads the version from it.

/// The version of the service, as `/`, `/health` and `--version` give it.
package enum ServiceVersion {
    package static let current = "1.0.0"
}
