import Logging

/// What is logged, and how.
struct LogSettings: Sendable {
    enum Format: String {
        case auto, json, text
    }

    var level: Logger.Level
    var format: Format
    /// How much may wait to be written, in bytes.
    var bufferBytes: Int
    /// The Google Cloud project of the traces, where it is set.
    var project: String?
    /// Whether the platform is Cloud Run, where the metadata server knows the project.
    var isCloudRun: Bool

    init(_ reader: inout SettingReader) {
        self.level = Logger.Level(rawValue: reader.choice(SettingCatalogue.logLevel)) ?? .info
        self.format = Format(rawValue: reader.choice(SettingCatalogue.logFormat)) ?? .auto
        self.bufferBytes = reader.integer(SettingCatalogue.logBufferBytes)
        self.project = reader.text(SettingCatalogue.googleCloudProject)
        self.isCloudRun = reader.text(SettingCatalogue.cloudRunService) != nil
    }
}
