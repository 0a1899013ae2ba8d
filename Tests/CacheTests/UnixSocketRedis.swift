import Glibc
import TestSupport

/// One blocking connection to a Redis on a unix socket.
///
/// It speaks RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/) just well enough for a test.
final class UnixSocketRedis {
    private let descriptor: Int32
    private var received: [UInt8] = []
    private var consumed = 0

    init(path: String) throws {
        self.descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let descriptor = self.descriptor
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, size) }
        }
        guard result == 0 else { throw TestProcessError(reason: "no connection to \(path)") }
    }

    deinit {
        close(self.descriptor)
    }

    func add(_ keys: [[UInt8]]) throws {
        for key in keys {
            try send([Array("SET".utf8), key, [UInt8(ascii: "1")]])
            _ = try readLine()
        }
    }

    func keys(_ pattern: [UInt8]) throws -> Set<[UInt8]> {
        try send([Array("KEYS".utf8), pattern])
        let count = try readCount(after: UInt8(ascii: "*"))
        var keys: Set<[UInt8]> = []
        for _ in 0..<count {
            let length = try readCount(after: UInt8(ascii: "$"))
            keys.insert(try readBytes(length))
            _ = try readBytes(2)
        }
        return keys
    }

    private func send(_ arguments: [[UInt8]]) throws {
        var bytes = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            bytes += Array("$\(argument.count)\r\n".utf8) + argument + Array("\r\n".utf8)
        }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw TestProcessError(reason: "write failed: errno \(errno)") }
            sent += count
        }
    }

    private func readCount(after marker: UInt8) throws -> Int {
        let line = try readLine()
        guard line.first == marker, let count = Int(String(decoding: line.dropFirst(), as: UTF8.self)) else {
            throw TestProcessError(reason: "unexpected reply: \(String(decoding: line, as: UTF8.self))")
        }
        return count
    }

    private func readLine() throws -> [UInt8] {
        var line: [UInt8] = []
        while true {
            let byte = try readBytes(1)[0]
            if byte == UInt8(ascii: "\n") { return line.dropLast() }
            line.append(byte)
        }
    }

    private func readBytes(_ count: Int) throws -> [UInt8] {
        while received.count - consumed < count {
            received.removeFirst(consumed)
            consumed = 0
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let size = read(descriptor, &chunk, chunk.count)
            guard size > 0 else { throw TestProcessError(reason: "redis-server closed the connection") }
            received += chunk.prefix(size)
        }
        defer { consumed += count }
        return Array(received[consumed..<consumed + count])
    }
}
