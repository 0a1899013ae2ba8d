/// Dates as HTTP and the health answer write them, from seconds since 1970 (UTC).
///
/// The calendar arithmetic is Howard Hinnant's `civil_from_days` (http://howardhinnant.github.io/date_algorithms.html).
struct CivilTime {
    let year: Int
    let month: Int
    let day: Int
    let weekday: Int
    let secondOfDay: Int

    init(secondsSince1970 seconds: Int) {
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        self.secondOfDay = seconds - days * 86_400
        self.weekday = (days + 4) % 7
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        self.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
    }

    private static let weekdays: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months: [StaticString] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
    func writeHTTPDate(into cursor: inout ByteCursor) {
        cursor.append(Self.weekdays[self.weekday])
        cursor.append(", ")
        cursor.appendDigits(UInt(self.day), count: 2)
        cursor.append(" ")
        cursor.append(Self.months[self.month - 1])
        cursor.append(" ")
        cursor.appendDigits(UInt(self.year), count: 4)
        cursor.append(" ")
        self.writeTime(into: &cursor)
        cursor.append(" GMT")
    }

    /// `2026-11-22T20:31:16.548009`, as Python's `datetime.isoformat()` writes a naive UTC time.
    func writeISO8601(microseconds: Int, into cursor: inout ByteCursor) {
        cursor.appendDigits(UInt(self.year), count: 4)
        cursor.append("-")
        cursor.appendDigits(UInt(self.month), count: 2)
        cursor.append("-")
        cursor.appendDigits(UInt(self.day), count: 2)
        cursor.append("T")
        self.writeTime(into: &cursor)
        cursor.append(".")
        cursor.appendDigits(UInt(microseconds), count: 6)
    }

    private func writeTime(into cursor: inout ByteCursor) {
        cursor.appendDigits(UInt(self.secondOfDay / 3600), count: 2)
        cursor.append(":")
        cursor.appendDigits(UInt(self.secondOfDay / 60 % 60), count: 2)
        cursor.append(":")
        cursor.appendDigits(UInt(self.secondOfDay % 60), count: 2)
    }
}
