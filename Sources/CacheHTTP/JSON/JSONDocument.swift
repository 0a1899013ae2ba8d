/// What was found in a valid JSON text: its outermost value, and the members that were asked for.
package struct JSONDocument<let count: Int>: Sendable {
    /// The outermost value.
    package let root: JSONElement

    /// The value of each name asked for, in the order of asking; nil where the outermost value has no such member, or is not an object.
    /// Of a member that stands more than once, the last.
    package let members: InlineArray<count, JSONElement?>
}
