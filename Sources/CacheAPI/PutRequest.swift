import Bytes
import Cache
import JSON
package import NIOCore

/// What a `PUT /values/{key}` amounts to.
package enum PutRequest: Sendable {
    case success(PutCommand)
    /// To be answered with status 422: all faults, in the order query, header fields, body.
    case faults([ValidationFault])
    /// To be answered with status 413.
    case valueTooLarge

    /// What a request says of its body, as it came.
    package struct Fields: Sendable {
        /// The parameter `ttl` of the query.
        package var ttl: TargetText.Parameter
        /// The lines of each field.
        package var contentType: [String]
        package var contentEncoding: [String]
        package var cacheControl: [String]

        package init(ttl: TargetText.Parameter = .missing, contentType: [String] = [], contentEncoding: [String] = [], cacheControl: [String] = []) {
            self.ttl = ttl
            self.contentType = contentType
            self.contentEncoding = contentEncoding
            self.cacheControl = cacheControl
        }
    }

    /// Judges a request. O(bytes of the body).
    package static func parse(_ fields: Fields, body: ByteBuffer, limits: RequestLimits) -> PutRequest {
        guard body.readableBytes <= limits.maximumValueBytes else { return .valueTooLarge }
        var faults: [ValidationFault] = []
        let ttl = self.timeToLive(fields, limits, &faults)
        var envelope = self.envelope(fields, &faults)
        if envelope?.isPlain == true, let fault = self.fault(ofJSON: body, limits) { faults.append(fault) }
        guard faults.isEmpty, let described = envelope else { return .faults(faults) }
        envelope = nil
        return .success(
            PutCommand(
                stored: described.isPlain ? body : described.wrap(body), ttlSeconds: ttl, tag: EntityTag(body, in: described)))
    }

    // MARK: Time to live

    /// Seconds, at least 1; nil for none.
    private static func timeToLive(_ fields: Fields, _ limits: RequestLimits, _ faults: inout [ValidationFault]) -> Int64? {
        switch fields.ttl {
        case .value(let text):
            let seconds = LaxInteger.nearestInteger(text.readableBytesUInt8Span)?.value
            guard let seconds else {
                faults.append(.text(.intParsing, at: .query("ttl"), text))
                return nil
            }
            let isValid = self.check(seconds, 0...limits.maximumTTLSeconds) { faults.append(.text($0, at: .query("ttl"), text)) }
            return isValid && seconds > 0 ? seconds : nil
        case .incompleteEscape:
            faults.append(ValidationFault(.intParsing, at: .query("ttl"), input: .null))
            return nil
        case .missing:
            guard let seconds = self.maximumAge(fields.cacheControl) else { return nil }
            // What must not be used at all need not be stored; and 0 means no end elsewhere.
            let isValid = self.check(seconds, 1...limits.maximumTTLSeconds) {
                faults.append(.text($0, at: .header("cache-control"), ByteBuffer(string: fields.cacheControl.joined(separator: ", "))))
            }
            return isValid ? seconds : nil
        }
    }

    private static func check(_ seconds: Int64, _ range: ClosedRange<Int64>, _ report: (ValidationFault.Kind) -> Void) -> Bool {
        if seconds < range.lowerBound { report(.greaterThanEqual(range.lowerBound)) }
        if seconds > range.upperBound { report(.lessThanEqual(range.upperBound)) }
        return range.contains(seconds)
    }

    private static func maximumAge(_ lines: [String]) -> Int64? {
        for line in lines {
            let found = ByteBuffer(string: line).withUnsafeReadableBytes { bytes -> Int64? in
                var scan = DirectiveScan(bytes)
                while let directive = scan.next() {
                    if let seconds = scan.maximumAge(directive) { return seconds }
                }
                return nil
            }
            if let found { return found }
        }
        return nil
    }

    // MARK: What the bytes are

    /// The envelope that the value needs; `isPlain` for JSON as it is.
    private static func envelope(_ fields: Fields, _ faults: inout [ValidationFault]) -> Envelope? {
        var envelope = Envelope()
        let type = fields.contentType.count > 1 ? fields.contentType.joined(separator: ", ") : fields.contentType.first ?? "\(MediaType.unknown)"
        let mediaType = MediaType(ByteBuffer(string: type))
        if mediaType == nil {
            let pattern = "media type, as RFC 9110 has it, of at most \(MediaType.maximumBytes) bytes"
            faults.append(.text(.stringPatternMismatch(pattern: pattern), at: .header("content-type"), ByteBuffer(string: type)))
        }
        do throws(ValidationFault.Kind) {
            envelope.contentEncoding = try ContentCoding.stored(fields.contentEncoding)
        } catch {
            faults.append(.text(error, at: .header("content-encoding"), ByteBuffer(string: fields.contentEncoding.joined(separator: ", "))))
        }
        guard let mediaType else { return nil }
        // Encoded JSON is not JSON until it is decoded, so it needs an envelope that says what it is.
        if !mediaType.isJSON || envelope.contentEncoding != nil { envelope.mediaType = mediaType.text }
        return envelope
    }

    private static func fault(ofJSON body: ByteBuffer, _ limits: RequestLimits) -> ValidationFault? {
        do throws(JSONError) {
            try JSONScanner.validate(body.readableBytesUInt8Span, maximumDepth: limits.maximumJSONDepth)
            return nil
        } catch {
            return ValidationFault(.jsonInvalid(error.code), at: .offset(error.characterOffset), input: .emptyObject)
        }
    }
}

/// A valid request to store a value as it is.
package struct PutCommand: Sendable {
    /// The bytes to store, in their envelope if they need one.
    package let stored: ByteBuffer
    /// Seconds until the value expires, at least 1; nil if it does not expire.
    package let ttlSeconds: Int64?
    package let tag: EntityTag
}

extension ValidationFault {
    /// A fault of a text that is not part of a JSON document.
    fileprivate static func text(_ kind: Kind, at location: Location, _ text: ByteBuffer) -> ValidationFault {
        guard UTF8Validator.isValid(text.readableBytesUInt8Span) else { return ValidationFault(kind, at: location, input: .null) }
        var input = ByteBuffer()
        JSONWriter.writeString(text, into: &input)
        return ValidationFault(kind, at: location, input: .value(input))
    }
}
