package import AsyncHTTPClient
package import NIOCore
import NIOHTTP1
import OutboundHTTP

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The platform's interface, as far as agents go: `/api/v1/agents`.
///
/// Each request has a connection of its own: after a failure inside it the platform closes connections without a word.
package struct PlatformServer: Sendable {
    private static let maximumAnswerBytes = 8 * 1024 * 1024
    private static let maximumDetailCharacters = 300

    private let client: HTTPClient
    private let agentsURL: String
    private let timeout: TimeAmount
    private let token: (@Sendable () async throws -> String)?

    /// - Parameters:
    ///   - url: of the platform, without a path.
    ///   - token: identifies this program; nil if the platform requires none.
    package init(client: HTTPClient = .outbound, url: String, timeout: TimeAmount, token: (@Sendable () async throws -> String)? = nil) {
        self.client = client
        self.agentsURL = (url.hasSuffix("/") ? String(url.dropLast()) : url) + "/api/v1/agents"
        self.timeout = timeout
        self.token = token
    }

    /// One page of the agents; changes nothing.
    package func list(skip: Int) async -> RegistrationEvent {
        await self.event { bytes in
            try JSONDecoder().decode(AgentPage.self, from: bytes)
        } of: {
            try await self.execute(.GET, "\(self.agentsURL)?skip=\(skip)&limit=\(RegistrationPlan.pageSize)", nil)
        } is: {
            .listed($0)
        }
    }

    func create(_ description: AgentDescription) async -> RegistrationEvent {
        await self.save(.POST, self.agentsURL, description)
    }

    func update(_ identifier: String, _ description: AgentDescription) async -> RegistrationEvent {
        await self.save(.PUT, "\(self.agentsURL)/\(identifier)", description)
    }

    private func save(_ method: HTTPMethod, _ url: String, _ description: AgentDescription) async -> RegistrationEvent {
        await self.event { bytes in
            try JSONDecoder().decode(AgentRow.self, from: bytes)
        } of: {
            try await self.execute(method, url, try JSONEncoder().encode(description))
        } is: {
            .saved($0)
        }
    }

    private func event<Body>(
        _ decode: (Data) throws -> Body, of ask: () async throws -> (status: UInt, body: [UInt8]), is event: (Body) -> RegistrationEvent
    ) async -> RegistrationEvent {
        let answer: (status: UInt, body: [UInt8])
        do {
            answer = try await ask()
        } catch {
            return .failed("no answer")
        }
        switch answer.status {
        case 200, 201:
            guard let body = try? decode(Data(answer.body)) else { return .failed("an answer that cannot be read") }
            return event(body)
        case 404:
            return .gone
        case 400, 422:
            return .refused(String(String(decoding: answer.body, as: UTF8.self).prefix(Self.maximumDetailCharacters)))
        default:
            return .failed("status \(answer.status)")
        }
    }

    private func execute(_ method: HTTPMethod, _ url: String, _ body: Data?) async throws -> (status: UInt, body: [UInt8]) {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "Connection", value: "close")
        request.headers.add(name: "Accept", value: "application/json")
        if let token = self.token { request.headers.add(name: "Authorization", value: "Bearer \(try await token())") }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response = try await self.client.execute(request, timeout: self.timeout)
        return (response.status.code, try await response.wholeBody(maximumBytes: Self.maximumAnswerBytes))
    }
}
