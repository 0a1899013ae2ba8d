/// A part of the hot path that can be repeated.
struct Part {
    let name: String
    let repetitions: Int
    let run: (Int) -> Void
}
