/// Why a redis-server of a test did not start.
package struct RedisServerError: Error, CustomStringConvertible {
    package let reason: String

    package var description: String { self.reason }
}
