import HTTPTypes
import Telemetry

extension HTTPFields {
    /// The trace that the request belongs to, by `traceparent` or Google's own field.
    var traceContext: TraceContext? {
        guard self.contains(Self.traceparentName) || self.contains(Self.cloudTraceContextName) else { return nil }
        return TraceContext(
            traceparent: self.single(Self.traceparentName),
            tracestate: self[Self.tracestateName],
            cloudTraceContext: self.single(Self.cloudTraceContextName)
        )
    }

    /// A field that stands more than once says nothing.
    private func single(_ name: HTTPField.Name) -> String? {
        let values = self[values: name]
        return values.count == 1 ? values[0] : nil
    }

    private static let traceparentName = AnswerFieldName.name("traceparent")
    private static let tracestateName = AnswerFieldName.name("tracestate")
    private static let cloudTraceContextName = AnswerFieldName.name("X-Cloud-Trace-Context")
}
