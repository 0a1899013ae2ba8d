/// Recognises the setting that a misspelt name was meant for.
enum SettingName {
    /// Names that may stand in a file or directory of settings: every setting, and what the platform itself sets.
    private static let known = Set((SettingCatalogue.all + SettingCatalogue.setByThePlatform).map(\.name))

    static func isKnown(_ name: String) -> Bool { self.known.contains(name) }

    /// The setting whose name is nearest; nil if none differs in at most a quarter of the letters. O(settings × letters²).
    static func nearest(to name: String) -> String? {
        self.nearest(to: name, maximumDistance: max(1, name.utf8.count / 4))
    }

    /// The setting that a variable of the environment was probably meant for.
    ///
    /// The environment belongs to other programs too, so this is stricter: the first word is that of the setting, and at most one letter in six is
    /// wrong, two at most.
    static func probablyMeant(byVariable name: String) -> String? {
        guard !self.isKnown(name), let nearest = self.nearest(to: name, maximumDistance: min(2, name.utf8.count / 6)) else { return nil }
        let firstWord = nearest.prefix { $0 != "_" }
        return firstWord.count < nearest.count && String(decoding: self.normalised(name), as: UTF8.self).hasPrefix(firstWord + "_") ? nearest : nil
    }

    private static func nearest(to name: String, maximumDistance: Int) -> String? {
        let letters = self.normalised(name)
        var best: (name: String, distance: Int)?
        for setting in SettingCatalogue.all {
            let candidate = Array(setting.name.utf8)
            guard abs(candidate.count - letters.count) <= maximumDistance else { continue }
            let distance = self.distance(letters, candidate)
            if distance <= maximumDistance, distance < best?.distance ?? .max { best = (setting.name, distance) }
        }
        return best?.name
    }

    /// In capitals, with underscores between words: `redis-url` is a spelling of `REDIS_URL`.
    private static func normalised(_ name: String) -> [UInt8] {
        name.uppercased().utf8.map { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 }
    }

    /// How many letters have to be inserted, removed, replaced or swapped with their neighbour (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let isSame = left[row] == right[column]
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
