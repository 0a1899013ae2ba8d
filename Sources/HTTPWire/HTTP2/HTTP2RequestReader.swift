package import CacheAPI
package import NIOCore
package import NIOHPACK

/// Reads the header list of an HTTP/2 request as `RequestRecogniser` reads the bytes of an HTTP/1.1 request: it says whether this is a canonical
/// request for a key, another request, or none that anybody here answers.
///
/// NIO has checked the list before: pseudo fields once and first, lower-case names, no field of a connection, no line breaks (RFC 9113, section
/// 8.2). The few values that count are put together in one buffer, so that one judge serves both protocols. O(bytes of the list).
package struct HTTP2RequestReader {
    package enum Reading {
        /// A canonical request for a key. The bytes begin with what was taken of its head; its body, if it has one, goes behind them.
        case key(KeyRequest, ByteBuffer)
        /// A request for the router.
        case other
        case refused(Answer)
    }

    private let recogniser: RequestRecogniser
    private var bytes = ByteBuffer()
    private var known: [(field: KnownField, value: Range<Int>)] = []

    package init(_ recogniser: RequestRecogniser) {
        self.recogniser = recogniser
    }

    /// - Parameter isComplete: the request has no body.
    package mutating func read(_ headers: HPACKHeaders, isComplete: Bool) -> Reading {
        self.bytes.clear()
        self.known.removeAll(keepingCapacity: true)
        var method = RequestMethod.other
        var path: Range<Int>?
        var isUnbound = false
        var hasAuthority = false
        var listBytes = 0
        for (name, value, _) in headers {
            listBytes += name.utf8.count + value.utf8.count + 4
            switch name {
            case ":method":
                method = Self.method(value)
                isUnbound = value == "CONNECT" || value == "OPTIONS"
            case ":path": path = self.append(value)
            case ":authority":
                hasAuthority = true
                self.known.append((.host, self.append(value)))
            default:
                if let field = KnownField(name) { self.known.append((field, self.append(value))) }
            }
        }
        // Four pseudo fields at most.
        guard listBytes <= self.recogniser.maximumHeadBytes, headers.count <= self.recogniser.maximumFields + 4 else {
            return .refused(.headTooLarge)
        }
        return self.judge(method, path, isUnbound: isUnbound, hasAuthority: hasAuthority, isComplete: isComplete)
    }

    private func judge(_ method: RequestMethod, _ path: Range<Int>?, isUnbound: Bool, hasAuthority: Bool, isComplete: Bool) -> Reading {
        let recognition = self.bytes.withUnsafeReadableBytes { bytes -> Recognition? in
            let scan = HeadScan(bytes: bytes)
            guard self.hasOneHost(hasAuthority: hasAuthority, scan) else { return nil }
            guard let path, !path.isEmpty else { return .notFramable }
            // RFC 9113, section 8.3.1: a path, or `*` for OPTIONS.
            guard bytes[path.lowerBound] == UInt8(ascii: "/") || isUnbound, bytes[path].allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
            // NIO takes more for a number, and two that are the same.
            guard self.hasOneLengthAtMost(bytes) else { return nil }
            var findings = FieldFindings()
            for (field, value) in self.known {
                if case .host = field {
                    findings.hasHost = !value.isEmpty
                } else if scan.isPlainValue(value) {
                    scan.note(field, value, in: &findings)
                } else {
                    findings.needsRouter = true
                }
            }
            return self.recogniser.decide(method, scan.target(in: path), findings, headCount: bytes.count, scan)
        }
        switch recognition {
        case nil: return .refused(.invalidRequest)
        case .key(let request) where request.body.isEmpty == isComplete: return .key(request, self.bytes)
        case .key, .other, .notFramable, .incompleteHead: return .other
        }
    }

    /// Whether the list names one host: in `:authority`, in `host`, or the same in both (RFC 9113, section 8.3.1).
    private func hasOneHost(hasAuthority: Bool, _ scan: borrowing HeadScan) -> Bool {
        var first: Range<Int>?
        for (field, value) in self.known {
            guard case .host = field else { continue }
            guard scan.isPlainHost(value) else { return false }
            if let first {
                guard hasAuthority, scan.bytes[first].elementsEqual(scan.bytes[value]) else { return false }
            }
            first = value
        }
        return first != nil
    }

    /// Whether the list has one `content-length` of digits alone, or none (RFC 9110, section 8.6).
    private func hasOneLengthAtMost(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var hasLength = false
        for (field, value) in self.known where field == .contentLength {
            guard !hasLength, !value.isEmpty, bytes[value].allSatisfy({ $0 &- UInt8(ascii: "0") <= 9 }) else { return false }
            hasLength = true
        }
        return true
    }

    private mutating func append(_ value: String) -> Range<Int> {
        let start = self.bytes.writerIndex
        self.bytes.writeString(value)
        return start..<self.bytes.writerIndex
    }

    private static func method(_ name: String) -> RequestMethod {
        switch name {
        case "GET": .get
        case "POST": .post
        case "DELETE": .delete
        default: .other
        }
    }
}
