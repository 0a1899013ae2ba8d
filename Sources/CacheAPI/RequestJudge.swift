package import Access
import NIOCore
package import Telemetry

/// The fields of a request that `RequestJudge` decides by, however the request was parsed.
///
/// Values are ranges of bytes that the parser has at hand. The fast lane makes one from the bytes of the connection without allocating; other parsers
/// put the few fields together first (`ParsedRequest`).
package struct RequestFields: Equatable, Sendable {
    /// Where the id of the request stands; nil if the request brings none, so that one is made.
    package var requestID: Range<Int>?
    /// The field that names the request's trace.
    package var trace: TraceField?
    /// The field that shows who asks.
    package var credential: CredentialField?
    /// Where the one `Origin` of a web page stands.
    package var origin: Range<Int>?
    /// Whether the answer may come from a copy of an earlier read.
    package var acceptsCopy = true

    package init(requestID: Range<Int>? = nil, trace: TraceField? = nil, credential: CredentialField? = nil, origin: Range<Int>? = nil) {
        self.requestID = requestID
        self.trace = trace
        self.credential = credential
        self.origin = origin
    }
}

/// Where a request shows a credential.
package enum CredentialField: Equatable, Sendable {
    /// The value of `X-API-Key`.
    case key(Range<Int>)
    /// The value of `Authorization`.
    case authorization(Range<Int>)
    /// More than one, which counts as none: nothing says which of them is meant.
    case several

    /// What counts if `field` comes after `earlier`.
    package static func adding(_ field: CredentialField, to earlier: CredentialField?) -> CredentialField { earlier == nil ? field : .several }
}

/// Where a request says which trace it belongs to.
package enum TraceField: Equatable, Sendable {
    /// The value of `traceparent`.
    case traceparent(Range<Int>)
    /// The value of `X-Cloud-Trace-Context`.
    case cloudTraceContext(Range<Int>)

    /// The field that counts: `traceparent`, or Google's own if that is absent or wrong; nil if neither names a trace. Do not pass a field that
    /// occurs more than once: it names no trace.
    package init?(traceparent: Range<Int>?, cloudTraceContext: Range<Int>?, in bytes: UnsafeRawBufferPointer) {
        if let value = traceparent, TraceContext(traceparent: UnsafeRawBufferPointer(rebasing: bytes[value])) != nil {
            self = .traceparent(value)
        } else if let value = cloudTraceContext, TraceContext(cloudTraceContext: UnsafeRawBufferPointer(rebasing: bytes[value])) != nil {
            self = .cloudTraceContext(value)
        } else {
            return nil
        }
    }

    /// Where the trace's id stands.
    var id: Range<Int> {
        switch self {
        case .traceparent(let value):
            let start = value.lowerBound + TraceContext.traceIDOffset
            return start..<(start + TraceContext.traceIDCount)
        case .cloudTraceContext(let value):
            return value.lowerBound..<(value.lowerBound + TraceContext.traceIDCount)
        }
    }
}

/// Decides about a request by its fields: who asks, which id it has, which trace it belongs to. One function for each question, for every way in
/// which requests arrive. What a caller may do, `AccessCaller.verdict` decides; what a page may read, `CORSPolicy`.
package enum RequestJudge {
    // MARK: Who asks

    /// Who asks, as far as is known at once.
    ///
    /// - Parameters:
    ///   - credential: nil if the request shows none.
    ///   - find: looks a secret up.
    package static func caller(
        _ credential: CredentialField?, in bytes: UnsafeRawBufferPointer, find: (UnsafeRawBufferPointer) -> AccessCaller
    ) -> AccessCaller {
        guard let credential else { return .anonymous }
        guard let secret = self.secret(credential, in: bytes) else { return .unknown }
        return find(UnsafeRawBufferPointer(rebasing: bytes[secret]))
    }

    /// Where the secret of a credential stands; nil if there is none that could be looked up.
    package static func secret(_ credential: CredentialField, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        switch credential {
        case .several: nil
        case .key(let value): value.isEmpty ? nil : value
        case .authorization(let value): self.token(value, in: bytes)
        }
    }

    private static let scheme: StaticString = "bearer "

    /// The token in a value of `Authorization`; nil if the scheme is another one (RFC 6750, section 2.1).
    private static func token(_ value: Range<Int>, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        let count = self.scheme.utf8CodeUnitCount
        guard value.count > count else { return nil }
        for index in 0..<count where ByteClass.lowercased(bytes[value.lowerBound + index]) != self.scheme.utf8Start[index] { return nil }
        return (value.lowerBound + count)..<value.upperBound
    }

    // MARK: How long it may be

    /// Whether a target is refused (RFC 9110, section 15.5.15). The number of fields and the length of a head are bounded by who parses it, the
    /// length of a body by who reads it (`BodyReader`), the rate of a caller's requests by `AccessCaller.admit`.
    package static func isTargetTooLong(byteCount: Int, maximum: Int) -> Bool { byteCount > maximum }

    // MARK: Which request it is

    /// Where the id of a request stands: its own `X-Request-Id`, else the id of its trace; nil if one must be made.
    ///
    /// - Parameter received: the value of the one `X-Request-Id` if it can be used (`RequestID.isUsable`), else nil.
    package static func requestID(received: Range<Int>?, trace: TraceField?) -> Range<Int>? { received ?? trace?.id }

    /// The trace that a request belongs to.
    ///
    /// - Parameter state: the value of `tracestate`, which belongs to `traceparent`.
    package static func trace(_ field: TraceField?, state: String? = nil, in bytes: UnsafeRawBufferPointer) -> TraceContext? {
        switch field {
        case .traceparent(let value):
            var trace = TraceContext(traceparent: UnsafeRawBufferPointer(rebasing: bytes[value]))
            // W3C Trace Context: at least 512 characters should be propagated. Longer values are dropped.
            if let state, state.utf8.count <= 512 { trace?.state = state }
            return trace
        case .cloudTraceContext(let value):
            return TraceContext(cloudTraceContext: UnsafeRawBufferPointer(rebasing: bytes[value]))
        case nil:
            return nil
        }
    }
}
