import RedisClient

/// Why Redis refuses for good what a record of the journal says. To say it again would not help, and would keep every other key from Redis, so the
/// record is given up and Redis answers for its key again, as it does while it is connected.
///
/// Only what Redis says of one key or one value belongs here. A command that the user may not run is a fault of the configuration, and a server that is
/// read-only, loads, persists badly (`MISCONF`) or lacks replicas (`NOREPLICAS`) may take the same command later: all these are an outage.
package enum ReplayRefusal: String, Sendable, CaseIterable {
    /// The user may not touch the key (`NOPERM`).
    case notPermitted = "not_permitted"
    /// There is no room for the value (`OOM`).
    case outOfMemory = "out_of_memory"
    /// The value is larger than Redis takes (`proto-max-bulk-len`).
    case valueTooLarge = "value_too_large"
    /// The connection ended over this value alone, several times.
    case connectionLost = "connection_lost"

    /// Nil for a failure that is none of one key or value.
    init?(_ failure: RedisFailure) {
        if failure.isAboutTheKey {
            self = .notPermitted
        } else if failure.isAboutTheValue {
            self = .valueTooLarge
        } else if failure.serverErrorPrefix == "OOM" {
            self = .outOfMemory
        } else {
            return nil
        }
    }
}
