import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension HTTPClientResponse {
    private static var maximumBodyBytes: Int { 64 * 1024 }

    /// The body of an answer that must be 200 and at most 64 KiB long.
    func wholeBody() async throws -> [UInt8] {
        guard self.status == .ok else { throw GoogleCloudFailure.status(Int(self.status.code)) }
        return Array(try await self.body.collect(upTo: Self.maximumBodyBytes).readableBytesView)
    }
}
