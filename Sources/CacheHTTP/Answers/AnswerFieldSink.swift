/// Takes the fields of an answer's head: as bytes of HTTP/1.1 or as a field collection.
protocol AnswerFieldSink {
    mutating func field(_ name: AnswerFieldName, _ writeValue: (inout ByteCursor) -> Void)
}
