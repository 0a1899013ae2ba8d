import NIOHTTP2

/// The open streams of a connection, in the order in which they were opened. Their number is bounded by a setting that the client knows.
///
/// Ids ascend, so that a new stream goes to the end and a search is binary: O(log streams).
struct HTTP2StreamTable {
    struct Stream {
        let id: HTTP2StreamID
        /// The router answers it: the multiplexer has the stream.
        var isRouted = false
        /// The client has not sent its whole request.
        var isRequestOpen: Bool
        /// The end of the answer has been given to the connection.
        var isAnswered = false
        /// Bytes of the answer that the client's windows have not let out.
        var unsentBytes = 0
        /// When it was opened, in nanoseconds of the monotonic clock.
        let openedAt: Int
    }

    private var streams: [Stream] = []
    /// Bytes of all answers that the client's windows have not let out.
    private(set) var unsentBytes = 0
    /// How many streams the router answers.
    private(set) var routedCount = 0
    /// The highest id of a stream that was taken.
    private(set) var lastID = HTTP2StreamID.rootStream

    var isEmpty: Bool { self.streams.isEmpty }

    /// Whether an answer is still to come from us.
    var isAnswerDue: Bool { self.streams.contains { !$0.isAnswered && !$0.isRequestOpen } }

    /// Ids of the streams whose requests have been on their way since `time` or longer. O(streams).
    func requestsOpen(since time: Int) -> [HTTP2StreamID] {
        self.streams.filter { $0.isRequestOpen && !$0.isAnswered && $0.openedAt <= time }.map(\.id)
    }

    /// When the oldest request of those that are on their way began. O(streams).
    var oldestOpenRequest: Int? { self.streams.first { $0.isRequestOpen && !$0.isAnswered }?.openedAt }

    /// How many routed requests are on their way. O(streams).
    var routedOpenCount: Int { self.routedCount == 0 ? 0 : self.streams.reduce(0) { $1.isRouted && $1.isRequestOpen ? $0 + 1 : $0 } }

    mutating func open(_ stream: Stream) {
        self.streams.append(stream)
        if stream.id > self.lastID { self.lastID = stream.id }
    }

    subscript(id: HTTP2StreamID) -> Stream? { self.index(of: id).map { self.streams[$0] } }

    /// Removes a stream. Returns nil if there is none with this id.
    mutating func close(_ id: HTTP2StreamID) -> Stream? {
        guard let index = self.index(of: id) else { return nil }
        let stream = self.streams.remove(at: index)
        self.unsentBytes -= stream.unsentBytes
        if stream.isRouted { self.routedCount -= 1 }
        return stream
    }

    /// The router has got a stream.
    mutating func route(_ id: HTTP2StreamID) {
        guard let index = self.index(of: id), !self.streams[index].isRouted else { return }
        self.streams[index].isRouted = true
        self.routedCount += 1
    }

    /// The client has sent the whole request.
    mutating func requestEnded(_ id: HTTP2StreamID) {
        if let index = self.index(of: id) { self.streams[index].isRequestOpen = false }
    }

    /// `count` bytes of an answer are given to the connection, or its head, with its end perhaps.
    mutating func wrote(_ count: Int, isEnd: Bool, on id: HTTP2StreamID) {
        guard let index = self.index(of: id) else { return }
        self.streams[index].unsentBytes += count
        self.unsentBytes += count
        if isEnd { self.streams[index].isAnswered = true }
    }

    /// `count` bytes of an answer have left. Returns whether the stream must be reset now, because its answer is complete and its request is not.
    mutating func sent(_ count: Int, isEnd: Bool, on id: HTTP2StreamID) -> Bool {
        guard let index = self.index(of: id) else { return false }
        self.streams[index].unsentBytes -= count
        self.unsentBytes -= count
        return isEnd && self.streams[index].isRequestOpen
    }

    private func index(of id: HTTP2StreamID) -> Int? {
        var low = 0
        var high = self.streams.count
        while low < high {
            let middle = (low &+ high) / 2
            if self.streams[middle].id < id { low = middle &+ 1 } else { high = middle }
        }
        return low < self.streams.count && self.streams[low].id == id ? low : nil
    }
}
