import NIOCore
import RedisClient
import TestSupport

extension RedisServerProcess {
    /// By the unix socket. The deadlines are long, since a busy machine is not what most tests are about.
    var configuration: RedisConfiguration {
        RedisConfiguration(
            endpoint: .unixSocket(path: self.socketPath),
            connectTimeout: .seconds(10),
            commandDeadline: .seconds(10),
            deadConnectionTimeout: .seconds(20),
            controlDeadline: .seconds(10)
        )
    }

    /// By TCP, with the name to be resolved.
    var networkConfiguration: RedisConfiguration {
        var configuration = self.configuration
        configuration.endpoint = .tcp(host: "localhost", port: self.port)
        return configuration
    }
}
