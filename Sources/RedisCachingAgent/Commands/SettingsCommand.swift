import ArgumentParser

/// Prints `docs/settings.md`.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "settings", abstract: "Print every setting as a Markdown page.")

    func run() {
        print(SettingCatalogue.markdownPage)
    }
}
