/// The elements of an array, one after the other, with the members that are sought of those that are objects. Builds nothing.
///
/// The text has been validated before, which is when the array was found. So this pass has nothing to report; should the text be another one, the
/// elements end where it is not JSON.
@usableFromInline package struct JSONArrayElements {
    private var scanner: JSONScanner
    /// Whether another element follows.
    private var isAtElement: Bool

    /// - Parameters:
    ///   - array: an array that was found in `bytes`.
    ///   - bytes: the text.
    package init(of array: JSONElement, in bytes: Span<UInt8>) {
        self.scanner = JSONScanner(maximumDepth: JSONScanner.greatestMaximumDepth)
        self.scanner.position = array.range.lowerBound
        self.isAtElement = false
        guard array.kind == .array else { return }
        do throws(JSONScanner.Failure) {
            self.isAtElement = try !self.scanner.beginValue(in: bytes)
        } catch {
            self.isAtElement = false
        }
    }

    /// The next element, with its members of these names; nil if there is none. Of a member that stands more than once, the last.
    ///
    /// - Parameter bytes: the text, the same each time.
    /// - Complexity: O(bytes of the element), no allocation unless a sought name is spelled with escapes.
    @inlinable
    package mutating func next<let count: Int>(
        members names: InlineArray<count, JSONMemberName>, in bytes: Span<UInt8>
    ) -> JSONDocument<count>? {
        var members = InlineArray<count, JSONElement?>(repeating: nil)
        var found = members.mutableSpan
        guard let element = self.next(names.span, into: &found, in: bytes) else { return nil }
        return JSONDocument(root: element, members: members)
    }

    @usableFromInline
    mutating func next(_ names: Span<JSONMemberName>, into members: inout MutableSpan<JSONElement?>, in bytes: Span<UInt8>) -> JSONElement? {
        guard self.isAtElement else { return nil }
        self.isAtElement = false
        do throws(JSONScanner.Failure) {
            let start = self.scanner.position
            // The array is open, and so is the element once it has begun.
            let floor = self.scanner.nesting.depth
            if try !self.scanner.beginValue(in: bytes) {
                if self.scanner.nesting.isInObject {
                    try self.scanner.scanMembers(names, into: &members, in: bytes, above: floor)
                } else {
                    repeat { try self.scanner.skipValue(in: bytes) } while try self.scanner.continueContainer(in: bytes, above: floor)
                }
            }
            let element = self.scanner.element(from: start, in: bytes)
            self.isAtElement = try self.scanner.continueContainer(in: bytes, above: 0)
            return element
        } catch {
            return nil
        }
    }
}
