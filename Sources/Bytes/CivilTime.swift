/// Date and time of day (UTC) of a number of seconds since 1970, which is not negative, and their spellings in HTTP, JSON and the log.
///
/// The calendar arithmetic is Howard Hinnant's `civil_from_days` (http://howardhinnant.github.io/date_algorithms.html).
package struct CivilTime {
    private let year: Int
    private let month: Int
    private let day: Int
    private let weekday: Int
    private let secondOfDay: Int

    package init(secondsSince1970 seconds: Int) {
        let (days, secondOfDay) = seconds.quotientAndRemainder(dividingBy: 86_400)
        self.secondOfDay = secondOfDay
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
    package func writeHTTPDate(into cursor: inout ByteCursor) {
        cursor.append(Self.weekdays[self.weekday])
        cursor.append(", ")
        cursor.appendDigits(UInt(self.day), count: 2)
        cursor.append(" ")
        cursor.append(Self.months[self.month - 1])
        cursor.append(" ")
        cursor.appendDigits(UInt(self.year), count: 4)
        cursor.append(" ")
        self.writeTimeOfDay(into: &cursor)
        cursor.append(" GMT")
    }

    /// `2026-11-22T20:31:16.548009`, as Python's `datetime.isoformat()` writes a naive UTC time. With a `Z` behind it, it is RFC 3339.
    package func writeISO8601(microseconds: Int, into cursor: inout ByteCursor) {
        cursor.appendDigits(UInt(self.year), count: 4)
        cursor.append("-")
        cursor.appendDigits(UInt(self.month), count: 2)
        cursor.append("-")
        cursor.appendDigits(UInt(self.day), count: 2)
        cursor.append("T")
        self.writeTimeOfDay(into: &cursor)
        cursor.append(".")
        cursor.appendDigits(UInt(microseconds), count: 6)
    }

    /// `20:31:16.548`.
    package func writeTimeOfDay(milliseconds: Int, into cursor: inout ByteCursor) {
        self.writeTimeOfDay(into: &cursor)
        cursor.append(".")
        cursor.appendDigits(UInt(milliseconds), count: 3)
    }

    private func writeTimeOfDay(into cursor: inout ByteCursor) {
        cursor.appendDigits(UInt(self.secondOfDay / 3600), count: 2)
        cursor.append(":")
        cursor.appendDigits(UInt(self.secondOfDay / 60 % 60), count: 2)
        cursor.append(":")
        cursor.appendDigits(UInt(self.secondOfDay % 60), count: 2)
    }
}
