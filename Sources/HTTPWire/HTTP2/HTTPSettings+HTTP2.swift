import CacheAPI
import NIOHPACK
import NIOHTTP2

extension HTTPSettings {
    /// What NIO's handler of a connection tells the client, and from when on it takes what the client does for an attack and ends the connection.
    ///
    /// - streams reset by the client, and faults of streams, for which we reset them: `maximumAbuse` in 30 s (CVE-2023-44487, CVE-2025-8671);
    /// - CONTINUATION frames: five for a head (CVE-2024-27316);
    /// - SETTINGS, PING and PRIORITY frames: `maximumAbuse` in 30 s (CVE-2019-9512, CVE-2019-9515);
    /// - DATA frames without data: one in a row (CVE-2019-9518);
    /// - frames that wait for a client that does not read: 1,000 (CVE-2019-9517).
    var http2Connection: NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: self.maximumStreams),
            // Lists up to twice the bound are decoded, so that they can be answered: with 431. A longer one ends the connection.
            HTTP2Setting(parameter: .maxHeaderListSize, value: 2 * self.maximumHeadBytes),
        ]
        configuration.maximumBufferedControlFrames = 1000
        configuration.controlFrameRateLimit.maximumCount = self.maximumAbuse
        // Faults, too, but over the whole life of the connection.
        configuration.maximumConnectionGlitches = self.maximumAbuse
        return configuration
    }

    /// The bounds that NIO counts by the streams of a connection.
    var http2Streams: NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.streamResetFrameRateLimit.maximumCount = self.maximumAbuse
        configuration.streamErrorRateLimit.maximumCount = self.maximumAbuse
        return configuration
    }
}
