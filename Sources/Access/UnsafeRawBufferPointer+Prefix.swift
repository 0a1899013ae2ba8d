#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension UnsafeRawBufferPointer {
    /// Whether these bytes begin with `prefix`. O(length of the prefix), at the speed of libc: every request of a caller with a key comes here twice.
    func begins(with prefix: UnsafeRawBufferPointer) -> Bool {
        guard let bytes = self.baseAddress, let start = prefix.baseAddress else { return prefix.isEmpty }
        return prefix.count <= self.count && memcmp(bytes, start, prefix.count) == 0
    }
}
