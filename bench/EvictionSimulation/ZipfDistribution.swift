import Glibc
import TestSupport

/// Draws ranks with probability proportional to 1 / (rank + 1)^alpha, from the cumulated weights by bisection.
struct ZipfDistribution {
    private let cumulated: [Double]

    init(count: Int, alpha: Double) {
        var sum = 0.0
        cumulated = (0..<count).map { rank in
            sum += pow(Double(rank + 1), -alpha)
            return sum
        }
    }

    func draw(using random: inout SplitMix64) -> Int {
        let target = Double.random(in: 0..<(cumulated.last ?? 1), using: &random)
        var (low, high) = (0, cumulated.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulated[middle] <= target { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
