import MemoryStore

/// What lies before the value of a copy: 16 bytes.
struct CopyHeader {
    static let byteCount = 16
    /// Ages are counted in steps of 16 ms, so that 32 bits last for two years.
    private static let stepShift: Int64 = 4

    let coverage: CoherenceFence.Coverage
    /// The epoch of the key's slot.
    let slotEpoch: UInt32
    let isAbsence: Bool
    private let readAt: UInt32

    init(coverage: CoherenceFence.Coverage, slotEpoch: UInt32, readAt: MonotonicTime, isAbsence: Bool) {
        self.coverage = coverage
        self.slotEpoch = slotEpoch
        self.isAbsence = isAbsence
        self.readAt = Self.steps(readAt)
    }

    /// Takes the header off a copy.
    init(takenOff hit: inout MemoryHit) {
        self = hit.removeHeader(Self.byteCount) { bytes in
            CopyHeader(
                generation: bytes.loadUnaligned(as: UInt32.self), readAt: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
                connection: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self), isAbsence: bytes[10] != 0,
                slotEpoch: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        }
    }

    private init(generation: UInt32, readAt: UInt32, connection: UInt16, isAbsence: Bool, slotEpoch: UInt32) {
        self.slotEpoch = slotEpoch
        self.coverage = CoherenceFence.Coverage(connection: connection, generation: generation)
        self.readAt = readAt
        self.isAbsence = isAbsence
    }

    /// In milliseconds, to within 16. The clocks of two event loops may be read a moment apart, so a copy from the near future is new.
    func age(at now: MonotonicTime) -> Int64 {
        let steps = Self.steps(now) &- self.readAt
        return steps > UInt32.max - 64 ? 0 : Int64(steps) << Self.stepShift
    }

    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        span.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: self.coverage.generation, as: UInt32.self)
            bytes.storeBytes(of: self.readAt, toByteOffset: 4, as: UInt32.self)
            bytes.storeBytes(of: self.coverage.connection, toByteOffset: 8, as: UInt16.self)
            bytes[10] = self.isAbsence ? 1 : 0
            bytes.storeBytes(of: self.slotEpoch, toByteOffset: 12, as: UInt32.self)
        }
        return body(bytes.span.bytes)
    }

    private static func steps(_ time: MonotonicTime) -> UInt32 { UInt32(truncatingIfNeeded: time.milliseconds >> self.stepShift) }
}
