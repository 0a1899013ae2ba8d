/// One unit of a parsed glob: either it consumes exactly one byte out of a set, or it is a star.
enum GlobAtom: Equatable, Sendable {
    case oneOf(ByteSet)
    case star
}
