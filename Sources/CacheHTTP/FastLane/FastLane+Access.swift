import Access
import NIOCore

/// Who may use the lane: the functions that decide are those of the router, which answers those that may not.
extension FastLane {
    /// Whether the sender of the request at hand may do this, with a target of this length.
    func isAllowed(_ action: AccessAction, _ request: KeyRequest) -> Bool {
        let targetCount = CacheKey.pathPrefix.utf8CodeUnitCount + request.key.range.count
        guard !RequestJudge.isTargetTooLong(byteCount: targetCount, maximum: self.scope.settings.serviceLimits.maximumTargetBytes) else {
            return false
        }
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
            RequestJudge.caller(request.credential, in: bytes) { secret in
                self.callerMemory.caller(secret, control, now: self.now)
            }
        }
    }
}
