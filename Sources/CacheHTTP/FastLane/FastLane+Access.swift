import Access
import NIOCore

/// Who may use the lane: the same function decides as in the router, which answers those that may not.
extension FastLane {
    /// Whether the sender of the request at hand may do this.
    func isAllowed(_ action: AccessAction, _ request: KeyRequest) -> Bool {
        guard let control = self.scope.access else { return true }
        let caller = self.caller(request, control)
        // A request too many is refused by the router, which takes no second token for it.
        return caller.verdict(action) == .allowed && (self.isRequestAdmitted || caller.admit(now: self.now) == nil)
    }

    /// Whether the sender of the request at hand may do anything of this kind: asked before its body is there.
    func admits(_ scope: AccessScopes, _ request: KeyRequest) -> Bool {
        guard let control = self.scope.access else { return true }
        let caller = self.caller(request, control)
        self.isRequestAdmitted = caller.verdict(scope) == .allowed && caller.admit(now: self.now) == nil
        return self.isRequestAdmitted
    }

    private func caller(_ request: KeyRequest, _ control: AccessControl) -> AccessCaller {
        self.input.withUnsafeReadableBytes { bytes in
            switch request.credential {
            case nil:
                return .anonymous
            case .several:
                return .unknown
            case .key(let range):
                guard !range.isEmpty else { return .unknown }
                return self.callerMemory.caller(UnsafeRawBufferPointer(rebasing: bytes[range]), control, now: self.now)
            case .authorization(let range):
                let value = UnsafeRawBufferPointer(rebasing: bytes[range])
                guard let token = Credential.bearerRange(value), !token.isEmpty else { return .unknown }
                return self.callerMemory.caller(UnsafeRawBufferPointer(rebasing: value[token]), control, now: self.now)
            }
        }
    }
}
