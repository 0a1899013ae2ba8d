import ArgumentParser

/// Prints the table of settings, as the README shows it.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "settings", abstract: "List every setting as a Markdown table.")

    func run() {
        print(SettingCatalogue.markdownTable)
    }
}
